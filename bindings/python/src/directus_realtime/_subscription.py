"""Subscriptions, and the method that makes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ._calls import Calls
from ._core import Core
from ._delivery import Delivery
from ._events import Event
from ._options import Events, Granularity, Key, Query, Snapshot
from ._subscription_state import SubscriptionState

Callback = Callable[[Event[Any]], object]


class Handler:
    """A subscription, as both clients' `subscribe` returns it.

    It may be dropped: the subscription continues until its scope or client ends.
    """

    __slots__ = ("__weakref__", "_core", "_state")

    def __init__(self, core: Core, state: SubscriptionState) -> None:
        self._core = core
        self._state = state

    @property
    def uid(self) -> str:
        """Its name, as given, or generated."""
        return self._state.uid

    @property
    def collection(self) -> str:
        """Its collection."""
        return self._state.collection

    @property
    def persistent(self) -> bool:
        """Whether it continues when its scope ends."""
        return self._state.persistent

    @property
    def ended(self) -> bool:
        """Whether it was unsubscribed, refused, or ended with its scope or client."""
        return self._state.is_over

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        When this returns, its callback does not run and will not run again. If it was
        called inside this very callback, the running call is the last.
        """
        return self._core.subscriptions.unsubscribe(self._state)

    def resync(self) -> None:
        """Asks for a fresh snapshot, for changes of which the server does not tell.

        An `init` event marked `resync` follows, which replaces everything that is known, at
        once or on the next link. Events that it shows as well may be left out before it.

        Raises:
            ClosedError: The subscription has ended.
        """
        self._core.subscriptions.resync(self._state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handler) and other._state is self._state

    def __hash__(self) -> int:
        return hash(id(self._state))

    def __repr__(self) -> str:
        word = "ended" if self.ended else "persistent" if self.persistent else "live"
        return f"<{type(self).__name__} {self.uid!r} of {self.collection!r}, {word}>"


class Subscription(Handler):
    """A subscription of the synchronous client."""

    __slots__ = ("_calls", "_delivery")

    def __init__(
        self, core: Core, state: SubscriptionState, calls: Calls, delivery: Delivery
    ) -> None:
        super().__init__(core, state)
        self._calls = calls
        self._delivery = delivery

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the server has confirmed the subscription.

        Args:
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended.
            TimeoutError: The server did not answer in time; the message says why the client
                is not connected, if it is not.
            DirectusRealtimeError: The client has failed, and why.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.running.refuse_in_callback("wait")
        self._delivery.finished(self._calls.confirmed(self._state, timeout))


class Subscribing(ABC):
    """What clients and scopes have in common."""

    @abstractmethod
    def _subscribe(self, collection: str, callback: Callback, **options: Any) -> Subscription:
        """Subscribes with these options."""

    def subscribe(
        self,
        collection: str,
        callback: Callback,
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        event: Events | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: Granularity = "item",
        snapshot: Snapshot = "exact",
        settle: float | None = 0.25,
        changes_only: bool = False,
    ) -> Subscription:
        """Subscribes to a collection, or to one item of it.

        The callback first gets an `init` event with a snapshot, then an event for each
        change. After a gap, such as a lost link, another `init` comes, marked `resync`,
        which replaces what was known before. With `event` these `init` events come as
        well, but without data: `event.data` is None. A callback that needs changes only
        checks `event.is_change`, or is subscribed with `changes_only=True`. The first
        subscription connects.

        Args:
            collection: The collection's name.
            callback: Called with each `Event`; to type its data, annotate it as `Event[Post]`.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name for the subscription. If another one has it, that one is returned,
                and the callback is not used.
            persistent: Whether `unsubscribe_all`, `unsubscribe_collection` and the end of
                a scope leave it.
            event: The kinds of changes to get: `"create"`, `"update"`, `"delete"`, or
                several of them; None for all, and snapshots. Otherwise `init` has no
                data.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key field.
            granularity: `"item"` for an event per item, `"message"` for an event per
                message of the server, with its own data.
            snapshot: `"exact"` for a snapshot that misses no change, `"server"` for the
                server's own, which may miss what is written while it is read.
            settle: Items whose last event may be wrong are read once more when it has been
                quiet for so many seconds; None for never. See `Event.settled`.
            changes_only: Whether the callback gets `create`, `update` and `delete` only.
                Then errors are logged, and gaps go unnoticed.

        Raises:
            InvalidArgumentError: An argument is wrong; the message names it.
            ClosedError: The client or the scope is closed.
        """
        return self._subscribe(
            collection,
            callback,
            query=query,
            uid=uid,
            persistent=persistent,
            event=event,
            item=item,
            primary_key=primary_key,
            granularity=granularity,
            snapshot=snapshot,
            settle=settle,
            changes_only=changes_only,
        )
