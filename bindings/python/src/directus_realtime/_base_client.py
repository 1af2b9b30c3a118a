"""The methods that both clients have: those that do not wait."""

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
    """The common base class of both clients, with a core and the application's callbacks."""

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
        """Called with every exception that leaves a callback; delivery continues.

        None, the default, passes them to `sys.unraisablehook` (the synchronous client)
        or to the event loop's exception handler (asyncio).
        """
        return self._callbacks.on_error

    @on_error.setter
    def on_error(self, callback: OnError | None) -> None:
        check_callable(callback, "on_error")
        self._callbacks.on_error = callback

    def on_state(self, callback: OnState | None) -> None:
        """Sets the callback for changes of state, which gets all of them, in order.

        Args:
            callback: Called with a `StateChange`; None removes it.
        """
        check_callable(callback, "on_state")
        self._core.lifecycle.check_open()
        self._callbacks.on_state = callback

    def on_token(self, callback: OnToken | None) -> None:
        """Sets the callback that provides access tokens.

        It is called before the first connection when there is no credential, ahead of a
        JWT's expiry, and after the server has refused the credential.

        Args:
            callback: Called with the reason as an exception, or None when nothing is
                wrong. It returns a token, or it returns None and the application calls
                `set_token` later. None removes the callback.
        """
        check_callable(callback, "on_token")
        self._core.tokens.set_callback(callback)

    def connect(self) -> None:
        """Starts to connect, and returns at once. The first subscription does that, too."""
        self._core.link.connect()

    def reconnect(self) -> None:
        """Drops the link, if there is one, and connects at once, without backoff."""
        self._core.link.reconnect()

    def disconnect(self) -> None:
        """Takes the link down until `connect` or `reconnect`; subscriptions are kept."""
        self._core.link.disconnect()

    def set_token(self, access_token: str) -> None:
        """Replaces the access token; a link that is up is authenticated again."""
        self._core.link.set_token(access_token)

    def unsubscribe(self, uid: str) -> bool:
        """Ends the subscription with this uid, persistent or not; False when there is none."""
        return self._core.subscriptions.unsubscribe_uid(uid)

    def unsubscribe_collection(self, collection: str) -> int:
        """Ends a collection's subscriptions in every scope, except persistent ones.

        Returns:
            The number of subscriptions that have ended.
        """
        return self._core.subscriptions.unsubscribe_collection(collection)

    def unsubscribe_all(self) -> int:
        """Ends all subscriptions in every scope, except persistent ones.

        Returns:
            The number of subscriptions that have ended.
        """
        return self._core.subscriptions.unsubscribe_all()

    def has_subscription(self, uid: str) -> bool:
        """Whether there is a subscription with this uid."""
        return self._core.subscriptions.has(uid)

    def send_message(self, message: Mapping[str, Any]) -> None:
        """Sends a custom message, to which no reply is expected.

        Args:
            message: A JSON object with a `type`.

        Raises:
            NotConnectedError: There is no usable link, and the client was made without
                `send_queue_bytes`.
            QueueFullError: More waits than `send_queue_bytes` allows.
            InvalidArgumentError: It is no such message, or its type is reserved for
                the library, such as `subscribe`.
        """
        check(lib.drt_send_message(self._core.handle, dump(message, "message")))
