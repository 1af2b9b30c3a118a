"""What both clients are made of: the library's client, and what it has to say.

A core never refers to the `Client` that shows it to the application, nor to anything
else that is the application's. So a client that nobody holds any more is collected, and
that closes its core.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import ctypes
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _abi, _hooks
from ._abi import lib
from ._book import Book
from ._delivery import GLANCE
from ._diagnostics import Diagnostics
from ._errors import (
    ClosedError,
    ConnectTimeoutError,
    DirectusRealtimeError,
    NotConnectedError,
    ServerError,
    Status,
    TimeoutError,
    WouldDeadlockError,
    check,
)
from ._holder import Holder, OnToken
from ._latch import Latch
from ._options import encode
from ._record import Record, refusal_in
from ._registry import register, release
from ._state import STATES, State, StateChange

#: How long a client may take to close when the interpreter ends.
EXIT_SECONDS = 1.0
#: How long after the answer a question for a token may be an old one, at most.
QUESTION_SECONDS = 5.0
#: What a closing call may take on top of its limit.
GRACE = 1.0

if TYPE_CHECKING:
    Finalizer = weakref.finalize[Any, Any]

_cores: weakref.WeakSet[Core] = weakref.WeakSet()


class Core(Book):
    """See the module."""

    def __init__(self, options: _abi.ClientOptions, holder: Holder) -> None:
        out = ctypes.c_void_p()
        check(lib.drt_client_new(ctypes.byref(options), ctypes.byref(out)))
        super().__init__(out.value or 0, weakref.ref(holder))
        #: The library's client is closed, with that status; and so is all of this.
        self.library_over: Latch = Latch()
        self.status: int = Status.OK
        self.over: Latch = Latch()
        self.diagnostics: Diagnostics = Diagnostics()
        #: `disconnect` was called, and nothing since that takes it back.
        self.disconnected: bool = False
        #: When a token was given while something waited in the library, which may be the
        #: same question again: a callback that is slow is not asked twice.
        self._answered_at: float | None = None
        #: The one that delivers, where the client has one.
        self.thread: threading.Thread | None = None
        _cores.add(self)
        check(lib.drt_client_on_state(self.handle, _hooks.on_state, register(self), release))

    def forget_fork(self) -> None:
        """This is a forked child, in which nothing can be delivered."""
        self.forked = True
        self._rows = None
        self._thunks.clear()
        self.make_locks()

    # Waiting for the server

    def confirmed(self, record: Record, seconds: float) -> bool:
        """Whether the server confirms a subscription within so many seconds.

        Raises what it says instead, or why the client has failed.
        """
        try:
            return _happens(self, lambda ms: lib.drt_subscription_wait(record.handle, ms), seconds)
        except ServerError as error:
            if self.state() is State.FAILED:
                raise
            record.refusal = refusal_in(str(error), record.uid)
            self.forget(record)
            raise record.refusal from None

    def entered(self, state: State, seconds: float) -> bool:
        """Whether a state is entered within so many seconds.

        Raises why it will not be.
        """
        number = STATES.index(state)
        return _happens(self, lambda ms: lib.drt_client_wait(self.handle, number, ms), seconds)

    def not_entered(self, state: State, seconds: float | None) -> TimeoutError:
        """The error for a state that was not entered in time."""
        after = "" if seconds is None else f" after {seconds:g} s"
        text = f"the client is not {state}{after}, but {self.state()}"
        kind = ConnectTimeoutError if state is State.CONNECTED else TimeoutError
        return kind(self.diagnostics.explain(text))

    def failure(self) -> DirectusRealtimeError | None:
        """Why the client has failed, where it has and that was reported."""
        return self.diagnostics.failure() if self.state() is State.FAILED else None

    def raise_failure(self) -> None:
        """Raises that."""
        failure = self.failure()
        if failure is not None:
            raise failure

    def check_wanted(self) -> None:
        """What needs a link does not take back that there should be none."""
        if self.disconnected and self.state() is State.IDLE:
            raise NotConnectedError("disconnect was called: call connect or reconnect first")

    # Callbacks

    def state_changed(self, change: StateChange) -> None:
        """A change of state is told."""
        self.diagnostics.record(change)
        try:
            holder = self.holder()
            if holder is not None and holder.on_state is not None:
                self.call(holder.on_state, change)
        finally:
            # The callback may have left the state, by another token for instance.
            if change.state is State.FAILED and self.state() is State.FAILED:
                self.diagnostics.failed = change
                self.has_failed()

    def call(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Calls something of the application's."""
        callback(*arguments)

    def has_failed(self) -> None:
        """The client has failed: `failure` says why."""

    def token_wanted(self, error: DirectusRealtimeError | None) -> None:
        """A fresh token is wanted."""
        if self._is_answered():
            return
        holder = self.holder()
        if holder is not None and holder.on_token is not None and not self.closed:
            self.take_token(holder.on_token(error))

    def take_token(self, token: object) -> None:
        """What the application's callback has returned."""
        if isinstance(token, str):
            try:
                self.set_token(token)
                self._answered_at = time.monotonic() if self.is_readable() else None
            except ClosedError:
                # Closed while the callback ran: nobody needs the token any more.
                if not self.closed:
                    raise
        elif token is not None:
            kind = type(token).__name__
            raise TypeError(f"on_token: the callback must return a str or None, not {kind}")

    def _is_answered(self) -> bool:
        """Whether a question for a token may have waited while the answer was found."""
        since = self._answered_at
        return since is not None and time.monotonic() - since < QUESTION_SECONDS

    def after_turn(self) -> None:
        if self._answered_at is not None and not self.is_readable():
            self._answered_at = None

    def set_on_token(self, callback: OnToken | None) -> None:
        """Sets who is asked for tokens."""
        holder = self.holder()
        if holder is not None:
            before, holder.on_token = holder.on_token, callback
            fn = _hooks.on_token if callback is not None else _abi.TOKEN_FN(0)
            number = register(self) if callback is not None else None
            hook = release if callback is not None else _abi.RELEASE_FN(0)
            try:
                check(lib.drt_client_on_token(self.handle, fn, number, hook))
            except DirectusRealtimeError:
                holder.on_token = before
                raise

    def set_token(self, token: str) -> None:
        """Shows another token."""
        text = encode(token, "access_token", optional=False)
        check(lib.drt_client_set_token(self.handle, text))

    # The whole client

    def state(self) -> State:
        """The state now."""
        number: int = lib.drt_client_state(self.handle)
        return STATES[number]

    def refuse_in_callback(self, what: str) -> None:
        """A call that waits for callbacks cannot be made in one."""
        self.check_process()
        if self.dispatcher == threading.get_ident():
            raise WouldDeadlockError(
                f"{what} inside a callback would wait for that callback: call it elsewhere"
            )

    def begin_to_close(self) -> bool:
        """Nothing is delivered from here on. False when that was so before."""
        with self.lock:
            with self._copying:
                if self.closed:
                    return False
                self.closed = True
            for record in list(self._records.values()):
                self._end(record)
        return True

    def end_library(self, seconds: float) -> None:
        """Closes the library's client. What it calls back is only put down."""
        try:
            self.status = lib.drt_client_close(self.handle, max(0, round(seconds * 1000)))
        finally:
            self.library_over.set()

    def finish(self) -> None:
        """Tells whoever still waits for something, and lets go of the application's.

        Where callbacks run, and once the library's client is closed.
        """
        if self.over.is_set():
            return
        self.dispatcher = threading.get_ident()
        try:
            self.run_thunks()
        finally:
            self.dispatcher = None
        holder = self.holder()
        if holder is not None:
            holder.on_state = holder.on_token = None
        self.close_descriptor()
        self.over.set()

    def close(self, seconds: float, *, here: bool = False) -> bool:
        """All of that; False when a callback still runs after so many seconds.

        The library's part is done by a thread of its own, as it cannot be interrupted;
        `here` does it on this one.
        """
        end = time.monotonic() + seconds
        if self.begin_to_close():
            if here or self.forked:
                self.end_library(seconds)
            else:
                _thread.start_new_thread(self.end_library, (seconds,))
        if self.forked:
            self.over.set()
            return True
        if not self.library_over.wait(seconds + GRACE):
            return False
        # The farewell may have taken all the time. What is left to be done takes none,
        # unless a callback runs.
        grace = time.monotonic() + GRACE
        while not self.over.is_set():
            if not self.threaded and self.lead(self.finish):
                break
            limit = end if self._running is not None else max(end, grace)
            if not self.over.wait(GLANCE) and time.monotonic() >= limit:
                return False
        return True

    def turn(self, most: int) -> int:
        """Delivers what is there, for whoever leads."""
        try:
            return self.pump(most)
        finally:
            if self.library_over.is_set():
                # Who has closed it has not waited for this turn to be over.
                self.finish()


def _happens(core: Core, wait: Callable[[int], int], seconds: float) -> bool:
    status = wait(round(seconds * 1000))
    if status == Status.TIMEOUT:
        # That may also be the reason for which the client has failed; it is told anew.
        if core.state() is not State.FAILED:
            return False
        status = wait(0)
        if status == Status.TIMEOUT and core.state() is not State.FAILED:
            return False
    check(status)
    return True


def when_gone(thing: object, function: Callable[..., object], *arguments: Any) -> Finalizer:
    """Does something once nobody holds a thing any more, but not at the end of the
    interpreter, which has an order of its own."""
    finalizer = weakref.finalize(thing, function, *arguments)
    finalizer.atexit = False  # type: ignore[misc]
    return finalizer


def abandon(core: Core) -> None:
    """Closes a client that nobody holds any more.

    Called by the garbage collector, on any thread, which may hold any lock: so another
    one does it.
    """
    with contextlib.suppress(RuntimeError):
        # At the end of the interpreter there is none, and no need.
        _thread.start_new_thread(core.close, (0.0,))


def _close_all() -> None:
    """The interpreter is about to end: nothing may call it afterwards."""
    for core in list(_cores):
        core.close(EXIT_SECONDS, here=True)


atexit.register(_close_all)


def _after_fork() -> None:
    for core in list(_cores):
        core.forget_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
