"""What both clients offer alike: everything that need not be waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _stats
from ._abi import lib
from ._callbacks import Callbacks, OnError, OnState, OnToken, check_callable
from ._core import Core
from ._errors import check
from ._json import dump
from ._state import State
from ._stats import Stats


class BaseClient:
    """A client, as far as its two kinds are alike."""

    _core: Core
    _callbacks: Callbacks

    @property
    def state(self) -> State:
        """The state now, for instance `State.CONNECTED`, which equals `"connected"`."""
        return self._core.link.state()

    @property
    def is_connected(self) -> bool:
        """Whether the link is up, authenticated and usable."""
        return self._core.link.is_connected()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._core.lifecycle.closed

    @property
    def stats(self) -> Stats:
        """The client's counters.

        Raises:
            ClosedError: The client is closed.
        """
        return _stats.read(self._core.handle)

    @property
    def on_error(self) -> OnError | None:
        """Told of every exception that leaves a callback; delivery goes on.

        None, the default, hands them to `sys.unraisablehook` (the synchronous client)
        or to the event loop's exception handler (asyncio).
        """
        return self._callbacks.on_error

    @on_error.setter
    def on_error(self, callback: OnError | None) -> None:
        check_callable(callback, "on_error")
        self._callbacks.on_error = callback

    def on_state(self, callback: OnState | None) -> None:
        """Sets the callback that is told of every change of state, in order.

        Args:
            callback: Called with a `StateChange`; None removes it.
        """
        check_callable(callback, "on_state")
        self._core.lifecycle.check_open()
        self._callbacks.on_state = callback

    def on_token(self, callback: OnToken | None) -> None:
        """Sets the callback that is asked for an access token.

        That is the case before the first link when there is no credential, ahead of a
        JWT's expiry, and when the server has refused the credential.

        Args:
            callback: Called with the reason as an exception, or None when there is no
                trouble. It returns a token, or None and calls `set_token` later. None
                removes it.
        """
        check_callable(callback, "on_token")
        self._core.tokens.set_callback(callback)

    def connect(self) -> None:
        """Starts to connect, and returns at once. The first subscription does that, too."""
        self._core.link.connect()

    def reconnect(self) -> None:
        """Drops the link, if there is one, and connects now, whatever the backoff."""
        self._core.link.reconnect()

    def disconnect(self) -> None:
        """Takes the link down until `connect` or `reconnect`; subscriptions are kept."""
        self._core.link.disconnect()

    def set_token(self, access_token: str) -> None:
        """Replaces the access token; a live link is authenticated anew."""
        self._core.link.set_token(access_token)

    def unsubscribe(self, uid: str) -> bool:
        """Ends the subscription of that uid, persistent or not; False when there is none."""
        return self._core.subscriptions.unsubscribe_uid(uid)

    def unsubscribe_collection(self, collection: str) -> int:
        """Ends a collection's subscriptions in every scope, but for the persistent ones.

        Returns:
            How many have ended.
        """
        return self._core.subscriptions.unsubscribe_collection(collection)

    def unsubscribe_all(self) -> int:
        """Ends all subscriptions in every scope, but for the persistent ones.

        Returns:
            How many have ended.
        """
        return self._core.subscriptions.unsubscribe_all()

    def has_subscription(self, uid: str) -> bool:
        """Whether there is a subscription of that uid."""
        return self._core.subscriptions.has(uid)

    def send_message(self, message: Mapping[str, Any]) -> None:
        """Sends a message of your own, and expects no answer.

        Args:
            message: A JSON object with a `type`.

        Raises:
            NotConnectedError: There is no usable link, and the client was made without
                `send_queue_bytes`.
            QueueFullError: More waits than `send_queue_bytes` allows.
            InvalidArgumentError: It is no such message, or of a type that is the
                library's own affair, such as `subscribe`.
        """
        check(lib.drt_send_message(self._core.handle, dump(message, "message")))
