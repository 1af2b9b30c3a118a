"""The link to the server: its commands, its states, and why it is down."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable

from ._abi import lib
from ._callback_runner import CallbackRunner
from ._callbacks import Callbacks
from ._errors import (
    ClosedError,
    ConnectTimeoutError,
    DirectusRealtimeError,
    NotConnectedError,
    Status,
    TimeoutError,
    check,
    error_for,
)
from ._future import Awaited, on_a_thread, settle
from ._options import encode
from ._state import STATES, State, StateChange

#: The most that fits into 32 bits.
_MOST_MILLISECONDS = 0xFFFFFFFF


class Link:
    """The link of one client."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        #: `disconnect` was called, and neither `connect` nor `reconnect` since.
        self._is_unwanted = False

    def state(self) -> State:
        """The state now."""
        number: int = lib.drt_client_state(self._handle)
        return STATES[number]

    def is_connected(self) -> bool:
        """Whether the link is up, authenticated and usable."""
        return bool(lib.drt_client_is_connected(self._handle))

    def connect(self) -> None:
        """Starts to connect."""
        self._is_unwanted = False
        check(lib.drt_client_connect(self._handle))

    def reconnect(self) -> None:
        """Drops the link, if there is one, and connects at once."""
        self._is_unwanted = False
        check(lib.drt_client_reconnect(self._handle))

    def disconnect(self) -> None:
        """Takes the link down until `connect` or `reconnect`."""
        self._is_unwanted = True
        check(lib.drt_client_disconnect(self._handle))

    def unwanted(self) -> NotConnectedError | None:
        """The error after `disconnect`, which only `connect` and `reconnect` take back."""
        if self._is_unwanted and self.state() is State.IDLE:
            return NotConnectedError("disconnect was called: call connect or reconnect first")
        return None

    def set_token(self, token: str) -> None:
        """Replaces the access token."""
        text = encode(token, "access_token", optional=False)
        check(lib.drt_client_set_token(self._handle, text))

    def wait(self, state: State, milliseconds: int) -> int:
        """Waits in the library until a state is entered; returns its status."""
        status: int = lib.drt_client_wait(self._handle, STATES.index(state), milliseconds)
        return status

    def has_happened(self, wait: Callable[[int], int], seconds: float = 0.0) -> bool:
        """Calls a function of the library that waits so many milliseconds.

        Returns False when the time is over, and raises any other error.
        """
        status = wait(min(round(seconds * 1000), _MOST_MILLISECONDS))
        if status == Status.TIMEOUT:
            # A timeout may also be the reason for which the client has failed. Then the
            # next call reports it again.
            if self.state() is not State.FAILED:
                return False
            status = wait(0)
            if status == Status.TIMEOUT and self.state() is not State.FAILED:
                return False
        check(status)
        return True

    def watch(
        self,
        wait: Callable[[int], int],
        end: float | None,
        settle: Callable[[DirectusRealtimeError | None], object],
    ) -> None:
        """Waits in the library on a thread of its own, until that time at most.

        For calls that wait while nothing is delivered, so that no row says what happens.

        Args:
            wait: As that of `has_happened`.
            end: By `time.monotonic`; None for no limit.
            settle: Called on that thread when it has happened, or will not.
        """

        def work() -> None:
            seconds = float(_MOST_MILLISECONDS) if end is None else end - time.monotonic()
            with contextlib.suppress(RuntimeError):
                # `settle` may find the event loop closed.
                try:
                    if self.has_happened(wait, max(0.0, seconds)):
                        settle(None)
                except DirectusRealtimeError as error:
                    settle(error)

        on_a_thread(work)


class States:
    """Follows the states of a client, and knows why it is not connected."""

    def __init__(
        self, callbacks: weakref.ref[Callbacks], link: Link, runner: CallbackRunner
    ) -> None:
        self._callbacks = callbacks
        self._link = link
        self._runner = runner
        #: The last change that was reported.
        self._last: StateChange | None = None
        #: What went wrong since the client was connected.
        self._problem: StateChange | None = None
        #: Why the client has failed, once its `on_state` callback has returned.
        self._failed: StateChange | None = None
        #: The `on_token` callback runs.
        self.awaits_token: bool = False
        #: What calls wait for; None where that is no state. They all fail with the client.
        self.waiters: dict[Awaited, State | None] = {}
        #: Those of calls that need a link, and fail when the application takes it down.
        self.link_waiters: set[Awaited] = set()
        #: Those of calls that wait until the client has failed or is closed.
        self.end_waiters: set[Awaited] = set()
        #: Called when the client has failed.
        self.when_failed: Callable[[], None] = lambda: None

    def report(self, change: StateChange) -> None:
        """The client has entered a state."""
        self._last, self._failed = change, None
        if change.state is State.CONNECTED:
            self._problem = None
        elif change.reason < 0 and change.state is not State.CLOSED:
            self._problem = change
        self._wake_waiters(change)
        callbacks = self._callbacks()
        on_state = None if callbacks is None else callbacks.on_state
        try:
            if on_state is not None:
                self._runner.run(on_state, change)
        finally:
            # The callback may have repaired it, with another token for instance.
            is_failed = change.state is State.FAILED and self._link.state() is State.FAILED
            if is_failed:
                self._failed = change
            if is_failed or change.state is State.CLOSED:
                for waiter in list(self.end_waiters):
                    settle(waiter)
            if is_failed:
                self.when_failed()

    def _wake_waiters(self, change: StateChange) -> None:
        # At once: other changes may follow before a coroutine gets a turn. A failure may have
        # been repaired before it is reported.
        is_over = change.state is State.CLOSED or (
            change.state is State.FAILED and self._link.state() is State.FAILED
        )
        error = change.error or ClosedError(change.message)
        unwanted = self._link.unwanted()
        for waiter, wanted in list(self.waiters.items()):
            if change.state is wanted:
                settle(waiter)
            elif is_over:
                settle(waiter, error=error)
            elif unwanted is not None and waiter in self.link_waiters:
                settle(waiter, error=unwanted)

    @property
    def is_closed(self) -> bool:
        """Whether it was reported that the client is closed."""
        return self._last is not None and self._last.state is State.CLOSED

    # Why the client is not connected

    def explain(self, sentence: str) -> str:
        """A sentence, and why the client is not connected, as far as that is known."""
        change = self._problem or self._last
        if change is not None and change.state in (State.CONNECTED, State.CLOSED):
            return sentence
        if self.awaits_token:
            return f"{sentence}: the on_token callback has not returned a token yet"
        return sentence if change is None else f"{sentence}: {change.message}"

    def not_entered(self, state: State, seconds: float | None) -> TimeoutError:
        """The error for a state that was not entered in time."""
        after = "" if seconds is None else f" after {seconds:g} s"
        text = f"the client is not {state}{after}, but {self._link.state()}"
        kind = ConnectTimeoutError if state is State.CONNECTED else TimeoutError
        return kind(self.explain(text))

    def failure(self) -> DirectusRealtimeError | None:
        """A fresh exception that says why the client has failed, once that was reported; None
        where it has not."""
        change = self._failed
        if change is None or self._link.state() is not State.FAILED:
            return None
        return error_for(change.reason, change.message)

    def raise_failure(self) -> None:
        """Raises the reason for which the client has failed, if it has."""
        failure = self.failure()
        if failure is not None:
            raise failure
