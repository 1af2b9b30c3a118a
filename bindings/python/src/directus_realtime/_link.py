"""The link to the server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ._abi import lib
from ._errors import DirectusRealtimeError, NotConnectedError, Status, check
from ._future import on_a_thread
from ._options import encode
from ._state import STATES, State

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
