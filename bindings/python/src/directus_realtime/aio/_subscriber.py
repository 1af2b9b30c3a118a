"""Subscribing with the asyncio client and its scopes."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable
from typing import Any

from .._callbacks import Callbacks
from .._calls import Calls
from .._changes import ChangesOnly
from .._core import Core
from .._lifecycle import when_gone
from .._subscription_state import ScopeState, SubscriptionState
from ._consumer import CallbackConsumer, Consumer, IteratorConsumer
from ._flow_control import FlowControl
from ._loop import ClientLoop
from ._subscription import Callback, Subscription
from ._waiting import LoopWaiting


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
        self._views: weakref.WeakValueDictionary[int, Subscription] = weakref.WeakValueDictionary()

    def subscribe(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        callback: Callback | None,
        *,
        changes_only: bool,
        **options: Any,
    ) -> Subscription:
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

    def view_of(self, state: SubscriptionState) -> Subscription:
        """The object for a subscription: the same one as long as the application holds it."""
        known = self._views.get(state.user_data)
        if known is not None:
            return known
        consumer = _consumer_of(state)
        view = Subscription(self._core, state, self._calls, self._waiting, consumer)
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
