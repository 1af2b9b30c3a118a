"""The link to the server: up or down, and why."""

from __future__ import annotations

from collections.abc import Callable

from ._abi import lib
from ._diagnostics import Diagnostics
from ._errors import (
    ConnectTimeoutError,
    DirectusRealtimeError,
    NotConnectedError,
    Status,
    TimeoutError,
    check,
)
from ._options import encode
from ._state import STATES, State


class Link:
    """The link of one client."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.diagnostics: Diagnostics = Diagnostics()
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
        check(lib.drt_client_disconnect(self._handle))
        self._is_unwanted = True

    def check_wanted(self) -> None:
        """Raises after `disconnect`, which only `connect` and `reconnect` take back."""
        if self._is_unwanted and self.state() is State.IDLE:
            raise NotConnectedError("disconnect was called: call connect or reconnect first")

    def set_token(self, token: str) -> None:
        """Replaces the access token."""
        text = encode(token, "access_token", optional=False)
        check(lib.drt_client_set_token(self._handle, text))

    # Waiting

    def entered(self, state: State, seconds: float) -> bool:
        """Whether a state is entered within so many seconds.

        Raises the reason where `failed` or `closed` is entered instead.
        """
        number = STATES.index(state)
        return self.wait_in_library(
            lambda ms: lib.drt_client_wait(self._handle, number, ms), seconds
        )

    def wait_in_library(self, wait: Callable[[int], int], seconds: float) -> bool:
        """Calls a function of the library that waits so many milliseconds.

        Returns False when the time is over, and raises any other error.
        """
        status = wait(round(seconds * 1000))
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

    def not_entered(self, state: State, seconds: float | None) -> TimeoutError:
        """The error for a state that was not entered in time."""
        after = "" if seconds is None else f" after {seconds:g} s"
        text = f"the client is not {state}{after}, but {self.state()}"
        kind = ConnectTimeoutError if state is State.CONNECTED else TimeoutError
        return kind(self.diagnostics.explain(text))

    # Failure

    def failure(self) -> DirectusRealtimeError | None:
        """Why the client has failed, once that was reported; None where it has not."""
        return self.diagnostics.failure() if self.state() is State.FAILED else None

    def raise_failure(self) -> None:
        """Raises the reason for which the client has failed, if it has."""
        failure = self.failure()
        if failure is not None:
            raise failure
