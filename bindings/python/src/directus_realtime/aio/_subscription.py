"""The subscriptions that `await client.subscribe(…)` returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .._core import Core
from .._errors import ClosedError, InvalidArgumentError
from .._events import Event
from .._options import limit
from .._state import State
from .._subscription import Handler
from .._subscription_state import SubscriptionState, afresh
from ._consumer import Consumer, IteratorConsumer
from ._loop import ClientLoop
from ._waits import Waits


class Subscription(Handler, AsyncIterator[Event]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    When the client fails, the iteration raises the reason. The subscription is kept: call
    `set_token`, `connect` or `reconnect`, and iterate again. Several iterations share the
    events, and an iteration that was left can be continued by another. Events that are
    not iterated over are held; with more than 1 MiB of them all subscriptions wait.
    """

    __slots__ = ("_consumer", "_loop", "_waits")

    def __init__(
        self,
        core: Core,
        state: SubscriptionState,
        loop: ClientLoop,
        waits: Waits,
        consumer: Consumer | None,
    ) -> None:
        super().__init__(core, state)
        self._loop = loop
        self._waits = waits
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
        state, seconds = self._state, limit(timeout, "timeout")
        if not state.is_over and not state.answered and self._consumer is not None:
            await self._confirmed(self._consumer, seconds)
        if state.refusal is not None:
            raise afresh(state.refusal)
        if state.is_over:
            raise ClosedError(f"the subscription {self.uid!r} has ended")

    async def _confirmed(self, consumer: Consumer, seconds: float | None) -> None:
        subscriptions, waiters = self._core.subscriptions, consumer.confirmation.waiters
        waiter: asyncio.Future[None] = self._loop.bind().create_future()

        def look() -> bool:
            return subscriptions.confirmed(self._state, 0)

        waiters.add(waiter)
        try:
            if self._core.link.state() is State.FAILED:
                look()
            if not await self._waits.done_unless_failed(waiter, seconds, look):
                raise self._not_answered()
            waiter.result()
        finally:
            waiters.discard(waiter)
