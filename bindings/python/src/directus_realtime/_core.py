"""What both clients are made of: the library's client, and what it has to say.

A core never refers to the `Client` that shows it to the application. So a client that
nobody holds any more is collected, and that closes its core.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import threading
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _abi, _hooks
from ._abi import lib
from ._errors import ClosedError, DirectusRealtimeError, Status, WouldDeadlockError, check
from ._events import Batch, Event
from ._options import encode, subscription_options
from ._record import Record, refusal_of
from ._registry import find, register, release
from ._state import STATES, State, StateChange

#: How long to wait without a look at signals, such as Ctrl-C.
SLICE_MS = 200
#: How long a client may take to close when the interpreter ends.
EXIT_MS = 1000

#: Of the object, of what is called.
if TYPE_CHECKING:
    Finalizer = weakref.finalize[Any, Any]

_cores: weakref.WeakSet[Core] = weakref.WeakSet()


class Core:
    """See the module."""

    def __init__(self, options: _abi.ClientOptions) -> None:
        out = ctypes.c_void_p()
        check(lib.drt_client_new(ctypes.byref(options), ctypes.byref(out)))
        self.handle: int = out.value or 0
        self.on_state: Callable[[StateChange], object] | None = None
        self.on_token: Callable[[DirectusRealtimeError | None], object] | None = None
        self.on_error: Callable[[BaseException], object] | None = None
        self.closed = False
        #: The synchronous client's own, if it has one.
        self.thread: threading.Thread | None = None
        self._records: dict[int, Record] = {}
        self._thunks: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._rest: Iterator[tuple[int, list[Any]]] | None = None
        self._batch: Batch | None = None
        self._json, self._length = ctypes.c_void_p(), ctypes.c_size_t()
        self._drained = ctypes.c_size_t()
        self._make_locks()
        _cores.add(self)
        check(lib.drt_client_on_state(self.handle, _hooks.on_state, register(self), release))

    def _make_locks(self) -> None:
        self.lock = threading.RLock()
        #: Held while a batch is copied: nobody closes the client meanwhile.
        self._copying = threading.Lock()
        self._left = threading.Condition(threading.Lock())
        self._waiters = 0
        #: Whose callback runs, and on which thread callbacks run.
        self._running: Record | None = None
        self.dispatcher: int | None = None

    def forget_fork(self) -> None:
        """This is a forked child: no thread of the parent's holds a lock here."""
        self._make_locks()
        self._rest = None
        self._thunks.clear()

    # Subscriptions

    def subscribe(
        self,
        collection: str,
        consume: Callable[[Event], Any],
        scope: int | None,
        *,
        uid: str | None,
        persistent: bool,
        **options: Any,
    ) -> Record:
        """The new subscription, or the one that has its uid already."""
        uid = str(uuid.uuid4()) if uid is None else uid
        raw = subscription_options(collection, uid, persistent=persistent, **options)
        record = Record(uid, collection, persistent, consume, scope)
        record.number = register(record)
        out = ctypes.c_void_p()
        with self.lock:
            self._records[record.number] = record
            status = lib.drt_subscribe(
                self.handle,
                scope,
                ctypes.byref(raw),
                _abi.NO_EVENTS,
                record.number,
                release,
                ctypes.byref(out),
            )
            record.handle = out.value
            if status != Status.OK:
                del self._records[record.number]
        check(status)
        return self._of_uid(uid) if status == Status.DUPLICATE else record

    def _of_uid(self, uid: str) -> Record:
        for record in self.records():
            if record.uid == uid:
                return record
        raise ClosedError(f"the subscription {uid!r} has just ended: subscribe again")

    def records(self) -> list[Record]:
        """The subscriptions, in the order in which they were made."""
        with self.lock:
            return list(self._records.values())

    def unsubscribe(self, record: Record) -> bool:
        """Ends a subscription; False when it had ended. Its callback does not run
        any more when this returns."""
        with self.lock:
            was_there = self._end(record)
        if was_there:
            status = lib.drt_subscription_unsubscribe(record.handle)
            # Refused by the server, and nobody has been told.
            if status != Status.INVALID_HANDLE:
                check(status)
        self.quiesce([record])
        return was_there

    def unsubscribe_uid(self, uid: str) -> bool:
        """The same by uid."""
        encode(uid, "uid")
        for record in self.records():
            if record.uid == uid:
                return self.unsubscribe(record)
        self.check_open()
        return False

    def unsubscribe_collection(self, collection: str) -> int:
        """Ends what is not persistent of a collection; how many those are."""
        number = ctypes.c_size_t()
        name = encode(collection, "collection")
        check(lib.drt_unsubscribe_collection(self.handle, name, ctypes.byref(number)))
        self._end_all(lambda record: not record.persistent and record.collection == collection)
        return number.value

    def unsubscribe_all(self) -> int:
        """Ends what is not persistent; how many those are."""
        number = ctypes.c_size_t()
        check(lib.drt_unsubscribe_all(self.handle, ctypes.byref(number)))
        self._end_all(lambda record: not record.persistent)
        return number.value

    def open_scope(self) -> int:
        """A scope of the library's."""
        out = ctypes.c_void_p()
        check(lib.drt_scope_new(self.handle, ctypes.byref(out)))
        return out.value or 0

    def close_scope(self, scope: int) -> None:
        """Ends what is not persistent of a scope."""
        lib.drt_scope_close(scope)
        self._end_all(lambda record: not record.persistent and record.scope == scope)

    def _end(self, record: Record) -> bool:
        was_there, record.ended = not record.ended, True
        record.consume = _nothing
        self._records.pop(record.number, None)
        return was_there

    def _end_all(self, which: Callable[[Record], bool]) -> None:
        with self.lock:
            ended = [record for record in self._records.values() if which(record)]
            for record in ended:
                self._end(record)
        self.quiesce(ended)

    def quiesce(self, records: Iterable[Record], timeout: float | None = None) -> bool:
        """Waits until none of these callbacks runs; inside of one it does not wait."""
        if self.dispatcher == threading.get_ident():
            return True
        ended = set(map(id, records))
        with self._left:
            self._waiters += 1
            try:
                return self._left.wait_for(lambda: id(self._running) not in ended, timeout)
            finally:
                self._waiters -= 1

    # Delivery

    def later(self, function: Callable[..., object], *arguments: Any) -> None:
        """Does something when the library's call is over."""
        self._thunks.append((function, arguments))

    def pump(self, timeout_ms: int, most: int = _abi.MOST_EVENTS) -> int:
        """Waits for something to deliver, and delivers it. One thread at a time.

        Raises `ClosedError` when nothing comes any more.
        """
        self.dispatcher = threading.get_ident()
        try:
            if self._rest is not None:
                # A callback was left by KeyboardInterrupt: first what followed it.
                return self._deliver()
            status = lib.drt_client_drain(
                self.handle,
                timeout_ms,
                most,
                ctypes.byref(self._json),
                ctypes.byref(self._length),
                ctypes.byref(self._drained),
            )
            try:
                check(status)
            finally:
                done = self.run_thunks()
            text = self._drained_text()
            if text is not None:
                self._batch = Batch(text)
                self._rest = enumerate(self._batch.rows)
                done += self._deliver()
            return done
        finally:
            self.dispatcher = None

    def _drained_text(self) -> bytes | None:
        """A copy of what was drained, which is the library's until the client is closed."""
        with self._copying:
            if self.closed or self._length.value <= len("[]"):
                return None
            return ctypes.string_at(self._json.value or 0, self._length.value)

    def run_thunks(self) -> int:
        """Does what was put down meanwhile."""
        done = 0
        while self._thunks:
            function, arguments = self._thunks.popleft()
            done += 1
            self.guard(function, *arguments)
        return done

    def _deliver(self) -> int:
        batch, rest, done = self._batch, self._rest, 0
        if batch is None or rest is None:
            return 0
        self.weight = len(batch.text) // len(batch.rows)
        for place, row in rest:
            record: Record | None = find(row[0])
            if record is None:
                continue
            # In this order: who ends a subscription sets `ended`, then looks at
            # `_running`. So either sees the other.
            self._running = record
            try:
                if not record.ended:
                    done += 1
                    self._hand_over(record, Event(record, batch, place))
            except Exception as error:
                self.report(error)
            finally:
                self._running = None
                if self._waiters:
                    with self._left:
                        self._left.notify_all()
        self._rest = self._batch = None
        return done

    def _hand_over(self, record: Record, event: Event) -> None:
        if event.ended:
            record.refusal = refusal_of(record.uid, event)
            with self.lock:
                self._records.pop(record.number, None)
        record.answered = True
        try:
            record.consume(event)
        finally:
            if event.ended:
                record.ended = True
                record.consume = _nothing

    def guard(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls something of the application's, and reports what it raises."""
        try:
            function(*arguments)
        except Exception as error:
            self.report(error)

    def report(self, error: BaseException) -> None:
        """An exception has left a callback."""
        hook = self.on_error
        if hook is None:
            return unraisable(error)
        try:
            hook(error)
        except Exception as second:
            unraisable(error)
            unraisable(second)

    def state_changed(self, change: StateChange) -> None:
        """A change of state is told."""
        if self.on_state is not None:
            self.on_state(change)

    def token_wanted(self, error: DirectusRealtimeError | None) -> None:
        """A fresh token is wanted."""
        if self.on_token is not None:
            self.take_token(self.on_token(error))

    def take_token(self, token: object) -> None:
        """What the application's callback has returned."""
        if isinstance(token, str):
            self.set_token(token)
        elif token is not None:
            kind = type(token).__name__
            raise TypeError(f"on_token: the callback must return a str or None, not {kind}")

    def set_on_token(self, callback: Callable[..., object] | None) -> None:
        """Sets who is asked for tokens."""
        fn = _hooks.on_token if callback is not None else _abi.TOKEN_FN(0)
        number = register(self) if callback is not None else None
        hook = release if callback is not None else _abi.RELEASE_FN(0)
        check(lib.drt_client_on_token(self.handle, fn, number, hook))
        self.on_token = callback

    def set_token(self, token: str) -> None:
        """Shows another token."""
        check(lib.drt_client_set_token(self.handle, encode(token, "access_token")))

    # The whole client

    def state(self) -> State:
        """The state now."""
        number: int = lib.drt_client_state(self.handle)
        return STATES[number]

    def check_open(self) -> None:
        """Raises `ClosedError` where that is the case."""
        if self.closed:
            raise ClosedError("the client is closed")

    def refuse_in_callback(self, what: str) -> None:
        """A call that waits for callbacks cannot be made in one."""
        if self.dispatcher == threading.get_ident():
            raise WouldDeadlockError(
                f"{what} inside a callback would wait for that callback: call it elsewhere"
            )

    def begin_to_close(self) -> list[Record] | None:
        """Nothing is delivered from here on. None when that was so before."""
        with self.lock:
            with self._copying:
                if self.closed:
                    return None
                self.closed = True
            ended = self.records()
            for record in ended:
                self._end(record)
        return ended

    def end_library(self, timeout_ms: int) -> int:
        """Closes the library's client; its status."""
        status: int = lib.drt_client_close(self.handle, timeout_ms)
        return status

    def finish_closing(self) -> None:
        """Tells whoever still waits for something, and lets go of the application's."""
        self.run_thunks()
        self.on_state = self.on_token = None

    def close(self, timeout_ms: int) -> int:
        """All of that; the library's status."""
        ended = self.begin_to_close()
        if ended is None:
            return Status.OK
        status = self.end_library(timeout_ms)
        self.finish_closing()
        if not self.quiesce(ended, timeout_ms / 1000):
            return Status.TIMEOUT
        return status


def _nothing(event: Event) -> None:
    """In place of a callback that is not kept any longer than it may be called."""


def unraisable(error: BaseException) -> None:
    """Hands an exception to `sys.unraisablehook`, as Python does for callbacks of C."""

    def again() -> None:
        raise error

    _THUNK(again)()


_THUNK = ctypes.CFUNCTYPE(None)


def when_gone(thing: object, function: Callable[..., object], *arguments: Any) -> Finalizer:
    """Does something once nobody holds a thing any more, but not at the end of the
    interpreter, which has an order of its own."""
    finalizer = weakref.finalize(thing, function, *arguments)
    finalizer.atexit = False  # type: ignore[misc]
    return finalizer


def finish(core: Core) -> None:
    """Closes a client that nobody holds any more, on whichever thread that shows."""
    if core.dispatcher != threading.get_ident():
        core.close(0)
    elif not sys.is_finalizing():
        # The garbage was collected while this very client was delivering.
        threading.Thread(target=core.close, args=(0,), daemon=True).start()


def _close_all() -> None:
    """The interpreter is about to end: nothing may call it afterwards."""
    for core in list(_cores):
        core.close(EXIT_MS)
        if core.thread is not None:
            core.thread.join(EXIT_MS / 1000)


atexit.register(_close_all)


def _after_fork() -> None:
    for core in list(_cores):
        core.forget_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
