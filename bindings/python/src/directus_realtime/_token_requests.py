"""Asks the application for access tokens."""

from __future__ import annotations

import time
import weakref

from ._abi import lib
from ._callback_runner import CallbackRunner
from ._callbacks import Callbacks, OnToken
from ._errors import ClosedError, DirectusRealtimeError, check, error_for
from ._incoming import Incoming
from ._link import Link, States
from ._running import Lifecycle

#: A request that is handled so many seconds after a token was given is a new one.
_REPEAT_SECONDS = 5.0


class TokenRequests:
    """Calls `on_token`: once at a time, and once for each need.

    While a slow callback finds a token the library may give up and ask again. These
    requests wait behind the callback, and the token that it finds answers them too.
    """

    def __init__(
        self,
        handle: int,
        callbacks: weakref.ref[Callbacks],
        lifecycle: Lifecycle,
        incoming: Incoming,
        link: Link,
        states: States,
        runner: CallbackRunner,
    ) -> None:
        self._handle = handle
        self._callbacks = callbacks
        self._lifecycle = lifecycle
        self._incoming = incoming
        self._link = link
        self._states = states
        self._runner = runner
        #: The library reports that it wants a token.
        self._is_on = False
        #: When a token was given while something waited in the library, which may be a
        #: request that this token has answered.
        self._answered_at: float | None = None
        #: The callback runs; with asyncio it may be a coroutine.
        self._is_asking = False
        #: A request that came while it ran: its reason.
        self._next: list[DirectusRealtimeError | None] = []

    def set_callback(self, callback: OnToken | None) -> None:
        """Sets `on_token`."""
        self._lifecycle.check_open()
        callbacks = self._callbacks()
        if callbacks is None:
            return
        # First, as it may be called at once.
        callbacks.on_token = callback
        if (callback is not None) != self._is_on:
            # Without a function, this turns it on where it is off, and off where it is on.
            check(lib.drt_client_on_token(self._handle, None, None, None))
            self._is_on = not self._is_on

    def wanted(self, reason: int) -> None:
        """The library needs a token; the reason says why the last one does not do."""
        self._ask(error_for(reason, "the server wants another token") if reason < 0 else None)

    def _ask(self, error: DirectusRealtimeError | None) -> None:
        callbacks = self._callbacks()
        on_token = None if callbacks is None else callbacks.on_token
        if on_token is None or self._lifecycle.closed or self._is_repeated():
            return
        if self._is_asking:
            self._next = [error]
            return
        self._is_asking = self._states.awaits_token = True
        self._runner.run(on_token, error, then=self._use, finally_=self._asked)

    def after_delivery(self) -> None:
        """Called after a delivery, which may have handled the last repeated request."""
        if self._answered_at is not None and not self._incoming.is_readable():
            self._answered_at = None

    def _is_repeated(self) -> bool:
        since = self._answered_at
        return since is not None and time.monotonic() - since < _REPEAT_SECONDS

    def _use(self, token: object) -> None:
        if isinstance(token, str):
            try:
                # What waits by now may be a request that this token answers; what comes
                # afterwards is not.
                is_behind = self._incoming.has_rows or self._incoming.is_readable()
                self._link.set_token(token)
                self._answered_at = time.monotonic() if is_behind else None
            except ClosedError:
                # The client was closed while the callback ran, and needs no token.
                if not self._lifecycle.closed:
                    raise
        elif token is not None:
            kind = type(token).__name__
            raise TypeError(f"on_token: the callback must return a str or None, not {kind}")
        self._next = []

    def _asked(self) -> None:
        self._is_asking = self._states.awaits_token = False
        # The callback has failed, and another token was requested while it ran.
        waiting, self._next = self._next, []
        for error in waiting:
            self._ask(error)
