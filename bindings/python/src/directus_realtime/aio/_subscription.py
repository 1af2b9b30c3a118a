"""The subscriptions that `await client.subscribe(…)` returns."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .._calls import Calls
from .._core import Core
from .._errors import InvalidArgumentError
from .._events import Event
from .._subscription import Handler
from .._subscription_state import SubscriptionState
from ._consumer import Consumer, IteratorConsumer


class Subscription(Handler, AsyncIterator[Event]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    When the client fails, the iteration raises the reason. The subscription is kept: call
    `set_token`, `connect` or `reconnect`, and iterate again. Several iterations share the
    events, and an iteration that was left can be continued by another. Events that are
    not iterated over are held; with more than 1 MiB of them all subscriptions wait.
    """

    __slots__ = ("_consumer",)

    def __init__(
        self, core: Core, state: SubscriptionState, calls: Calls, consumer: Consumer | None
    ) -> None:
        super().__init__(core, state, calls)
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
        await self._calls.confirmed(self._state, timeout)
