"""Subscriptions, and the method that makes them."""

from __future__ import annotations

import asyncio
import weakref
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic

from .._callbacks import Callbacks
from .._calls import Calls
from .._changes import ChangesOnly
from .._core import Core
from .._errors import InvalidArgumentError
from .._events import Event
from .._options import Events, Granularity, Key, Query, Snapshot
from .._running import when_gone
from .._subscription import Handler
from .._subscription_state import ScopeState, SubscriptionState
from .._typing import Data_co
from ._consumer import CallbackConsumer, Consumer, IteratorConsumer
from ._flow_control import FlowControl
from ._loop import ClientLoop
from ._waiting import LoopWaiting

Callback = Callable[[Event[Data_co]], Any]


class Subscription(Handler, AsyncIterator[Event[Data_co]], Generic[Data_co]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    When the client fails, the iteration raises the reason. The subscription is kept: call
    `set_token`, `connect` or `reconnect`, and iterate again. Several iterations share the
    events, and an iteration that was left can be continued by another. Events that are
    not iterated over are held; with more than 1 MiB of them all subscriptions wait.
    """

    __slots__ = ("_calls", "_consumer", "_waiting")

    def __init__(
        self,
        core: Core,
        state: SubscriptionState,
        calls: Calls,
        waiting: LoopWaiting,
        consumer: Consumer | None,
    ) -> None:
        super().__init__(core, state)
        self._calls = calls
        self._waiting = waiting
        self._consumer = consumer

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        A callback that is a coroutine is cancelled, and ends once the event loop has had
        a turn. If this was called inside this very callback, the running call is the last.
        """
        return super().unsubscribe()

    def __aiter__(self) -> Subscription[Data_co]:
        self._iterator()
        return self

    async def __anext__(self) -> Event[Data_co]:
        event: Event[Data_co] = await self._iterator().next()
        return event

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
        self, collection: str, callback: Callback[Any] | None, **options: Any
    ) -> Subscription[Any]:
        """Subscribes with these options."""

    async def subscribe(
        self,
        collection: str,
        callback: Callback[Data_co] | None = None,
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
    ) -> Subscription[Data_co]:
        """Subscribes to a collection, or to one item of it.

        See `directus_realtime.Client.subscribe`. It does not wait for the server, nor for
        a link: `await subscription.wait()` does, and raises the server's refusal. To type
        the data of what is iterated over: `posts: Subscription[Post] = await …`; see `Event`.

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
            settle: For how many seconds it must be quiet before items are read once more
                whose last event may be wrong; None for never.
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
            settle=settle,
            changes_only=changes_only,
        )


class Subscriber:
    """Makes subscriptions with a consumer."""

    def __init__(
        self, core: Core, loop: ClientLoop, calls: Calls, waiting: LoopWaiting, flow: FlowControl
    ) -> None:
        self._core = core
        self._loop = loop
        self._calls = calls
        self._waiting = waiting
        self._flow = flow
        #: The objects that the application has, by the numbers of their subscriptions.
        self._views: weakref.WeakValueDictionary[int, Subscription[Any]] = (
            weakref.WeakValueDictionary()
        )

    def subscribe(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        callback: Callback[Any] | None,
        *,
        changes_only: bool,
        **options: Any,
    ) -> Subscription[Any]:
        """Subscribes with a function, a coroutine function, or an iterator."""
        if callback is not None and not callable(callback):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")
        self._loop.bind()
        consumer: Consumer
        if callback is None:
            consumer = IteratorConsumer(
                self._loop, self._flow, self._core.states, changes_only=changes_only
            )
        else:
            function = ChangesOnly(callback) if changes_only else callback
            consumer = CallbackConsumer(self._loop, self._flow, self._core.runner, function)
        state = self._core.subscriptions.subscribe(
            collection, consumer.consume, callbacks, scope, consumer=consumer, **options
        )
        return self.view_of(state)

    def view_of(self, state: SubscriptionState) -> Subscription[Any]:
        """The object for a subscription: the same one as long as the application holds it."""
        known = self._views.get(state.user_data)
        if known is not None:
            return known
        consumer = _consumer_of(state)
        view: Subscription[Any] = Subscription(
            self._core, state, self._calls, self._waiting, consumer
        )
        self._views[state.user_data] = view
        if isinstance(consumer, IteratorConsumer) and not state.persistent:
            # Without it the events could not be read any more.
            when_gone(view, self._unsubscribe_soon, state)
        return view

    def _unsubscribe_soon(self, state: SubscriptionState) -> None:
        if not self._core.lifecycle.closed:
            self._loop.call_soon(self._core.subscriptions.unsubscribe, state)

    def drop_scope(self, scope: ScopeState) -> None:
        """Closes a scope that was garbage-collected. Called on any thread."""
        self._core.subscriptions.drop_scope(scope)
        # Otherwise they would end with the next delivery or call only.
        self._loop.call_soon(self._core.subscriptions.end_dropped)

    def consumers(self, scope: ScopeState | None = None) -> list[Consumer]:
        """The consumers of all subscriptions, or of those in a scope."""
        states = self._core.subscriptions.all()
        found = [_consumer_of(state) for state in states if scope is None or state.scope is scope]
        return [consumer for consumer in found if consumer is not None]

    def when_failed(self) -> None:
        """Lets iterators raise why the client has failed."""
        for consumer in self.consumers():
            consumer.wake()


def _consumer_of(state: SubscriptionState) -> Consumer | None:
    consumer = None if state.consumer is None else state.consumer()
    assert consumer is None or isinstance(consumer, Consumer)
    return consumer


async def callbacks_ended(consumers: Iterable[Consumer]) -> None:
    """Waits until no callback of these runs, but for one that this is called in."""
    here = asyncio.current_task()
    tasks = [consumer.task for consumer in consumers if consumer.task is not here]
    running = [task for task in tasks if task is not None]
    if running:
        await asyncio.wait(running)
