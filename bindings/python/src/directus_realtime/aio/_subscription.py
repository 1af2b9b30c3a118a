"""Subscriptions, and the method that makes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any

from .._calls import Calls
from .._core import Core
from .._errors import InvalidArgumentError
from .._events import Event
from .._options import Events, Granularity, Key, Snapshot
from .._query import Query
from .._subscription import Handler
from .._subscription_state import SubscriptionState
from ._consumer import Consumer, IteratorConsumer
from ._waiting import LoopWaiting

Callback = Callable[[Event], Any]


class Subscription(Handler, AsyncIterator[Event]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    When the client fails, the iteration raises the reason. The subscription is kept: call
    `set_token`, `connect` or `reconnect`, and iterate again. Several iterations share the
    events, and an iteration that was left can be continued by another. Events that are
    not iterated over are held; with more than 1 MiB of them all subscriptions wait.
    """

    __slots__ = ("_consumer", "_waiting")

    def __init__(
        self,
        core: Core,
        state: SubscriptionState,
        calls: Calls,
        waiting: LoopWaiting,
        consumer: Consumer | None,
    ) -> None:
        super().__init__(core, state, calls)
        self._waiting = waiting
        self._consumer = consumer

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        A callback that is a coroutine is cancelled, and ends once the event loop has had
        a turn. If this was called inside this very callback, the running call is the last.
        """
        return super().unsubscribe()

    def __aiter__(self) -> Subscription:
        self._iterator()
        return self

    async def __anext__(self) -> Event:
        return await self._iterator().next()

    def _iterator(self) -> IteratorConsumer:
        if not isinstance(self._consumer, IteratorConsumer):
            raise InvalidArgumentError(
                f"the subscription {self.uid!r} has a callback, which gets its events:"
                " subscribe without one to iterate"
            )
        return self._consumer

    async def wait(self, timeout: float | None = None) -> None:
        """Waits until the server has confirmed the subscription.

        Args:
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended.
            TimeoutError: The server did not answer in time; the message says why the client
                is not connected, if it is not.
            DirectusRealtimeError: The client has failed, and why.
        """
        await self._waiting.finished(self._calls.confirmed(self._state, timeout))


class Subscribing(ABC):
    """What clients and scopes have in common."""

    @abstractmethod
    def _subscribe(
        self, collection: str, callback: Callback | None, **options: Any
    ) -> Subscription:
        """Subscribes with these options."""

    async def subscribe(
        self,
        collection: str,
        callback: Callback | None = None,
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        event: Events | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: Granularity = "item",
        snapshot: Snapshot = "exact",
        changes_only: bool = False,
    ) -> Subscription:
        """Subscribes to a collection, or to one item of it.

        See `directus_realtime.Client.subscribe`. It does not wait for the server, nor for
        a link: `await subscription.wait()` does, and raises the server's refusal.

        Args:
            collection: The collection's name.
            callback: A function or coroutine function, called with one `Event` after the
                other; None to iterate over the subscription instead.
            query: `fields`, `filter`, `sort`, `limit`, `deep`, `meta` …
            uid: A name for the subscription. If another one has it, that one is returned,
                and the callback is not used.
            persistent: Whether `unsubscribe_all`, `unsubscribe_collection` and the end of
                a scope leave it.
            event: The kinds of changes to get; None for all, and snapshots. Otherwise the
                `init` events that come first and after each gap have no data.
            item: The primary key of one item to watch; None for the collection.
            primary_key: The name of the primary key's field.
            granularity: `"item"` or `"message"`.
            snapshot: `"exact"` or `"server"`.
            changes_only: Whether to get `create`, `update` and `delete` only. Then errors
                are logged, and gaps go unnoticed.

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
            changes_only=changes_only,
        )
