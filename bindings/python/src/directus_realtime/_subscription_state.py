"""The state of a subscription or a scope, from its beginning to its end."""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from ._abi import lib
from ._callbacks import Callbacks
from ._errors import ServerError
from ._future import Awaited, settle


class Consumer(Protocol):
    """Keeps a subscription's events until the application is ready for them."""

    def end(self) -> None:
        """The subscription has ended. Called on any thread."""


class ScopeState:
    """A scope."""

    __slots__ = ("closed", "handle")

    def __init__(self, handle: int) -> None:
        self.handle: int = handle
        self.closed: bool = False


class SubscriptionState:
    """A subscription; the library knows it by the number `user_data`."""

    __slots__ = (
        "answered",
        "callbacks",
        "collection",
        "consumer",
        "ended",
        "handle",
        "persistent",
        "refusal",
        "scope",
        "uid",
        "user_data",
        "waiters",
    )

    def __init__(
        self,
        uid: str,
        collection: str,
        persistent: bool,
        callbacks: weakref.ref[Callbacks],
        scope: ScopeState | None,
    ) -> None:
        self.uid: str = uid
        self.collection: str = collection
        self.persistent: bool = persistent
        #: Where its callback is.
        self.callbacks: weakref.ref[Callbacks] = callbacks
        #: The scope that ends it; none ends a persistent one.
        self.scope: ScopeState | None = None if persistent else scope
        #: In the asyncio client; it refers to the application's callback.
        self.consumer: weakref.ref[Consumer] | None = None
        self.user_data: int = 0
        self.handle: int | None = None
        #: No event is delivered any more.
        self.ended: bool = False
        #: An event was delivered, so the server has answered.
        self.answered: bool = False
        #: Calls that wait for that.
        self.waiters: set[Awaited] = set()
        #: Why the server has refused it.
        self.refusal: ServerError | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, was refused, or its scope is closed."""
        scope = self.scope
        return self.ended or self.refusal is not None or (scope is not None and scope.closed)

    def end_in_library(self) -> int:
        """Ends it there; returns the status."""
        status: int = lib.drt_subscription_unsubscribe(self.handle)
        return status

    def wake_waiters(self) -> None:
        """The server has answered it, or it has ended."""
        for waiter in list(self.waiters):
            settle(waiter)

    def drop_callback(self) -> None:
        """Releases its callback."""
        callbacks = self.callbacks()
        if callbacks is not None:
            callbacks.by_subscription.pop(self.user_data, None)


def refusal_of(uid: str, error: Any, what: str = "subscription") -> ServerError:
    """The exception for the server's error object that refuses a subscription."""
    error = error if isinstance(error, dict) else {}
    message = error.get("message", "no reason was given")
    text = f"the server refused the {what} {uid!r}: {error.get('code', '?')}: {message}"
    return ServerError(text, error)


def afresh(refusal: ServerError) -> ServerError:
    """A copy of a refusal that is kept, to be raised.

    The traceback of an exception keeps the frames that it has left, and what these refer
    to, such as an iterator with events.
    """
    return ServerError(str(refusal), refusal.error)
