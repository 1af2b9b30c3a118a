"""Reports changes of state to the application, and to calls that wait for them."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from ._callback_runner import CallbackRunner
from ._callbacks import Callbacks
from ._errors import (
    ClosedError,
    ConnectTimeoutError,
    DirectusRealtimeError,
    TimeoutError,
    error_for,
)
from ._future import Awaited, settle
from ._link import Link
from ._state import State, StateChange


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
