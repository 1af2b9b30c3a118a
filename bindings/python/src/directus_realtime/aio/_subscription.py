"""What `await client.subscribe(…)` returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .._errors import ClosedError, DirectusRealtimeError, InvalidArgumentError
from .._events import Event
from .._options import limit
from .._record import Record
from .._state import State
from .._subscription import Handler
from ._core import AioCore
from ._lane import IteratorLane, Lane


class Subscription(Handler, AsyncIterator[Event]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    When the client fails, the loop raises why; the subscription is kept, and after
    `set_token`, `connect` or `reconnect` another loop goes on with it.
    Several loops share them; a loop that was left can be taken up again. While nobody
    iterates, what comes waits, and when that is a mebibyte everything does.
    """

    __slots__ = ("_lane",)

    _core: AioCore

    def __init__(self, core: AioCore, record: Record, lane: Lane | None) -> None:
        super().__init__(core, record)
        self._lane = lane

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        A callback that is a coroutine is cancelled, unless this was called in it: then
        the running one is the last. It has ended once the loop has had a turn.
        """
        return super().unsubscribe()

    def __aiter__(self) -> Subscription:
        if not isinstance(self._lane, IteratorLane):
            raise InvalidArgumentError(
                f"the subscription {self.uid!r} has a callback, which gets its events"
            )
        return self

    async def __anext__(self) -> Event:
        lane = self.__aiter__()._lane
        assert isinstance(lane, IteratorLane)
        return await lane.next()

    async def wait(self, timeout: float | None = None) -> None:
        """Waits until the server has confirmed the subscription.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended otherwise.
            TimeoutError: The server has not answered in time; the message says why the
                client is not connected, where it is not.
            DirectusRealtimeError: The client has failed; this is why.
        """
        record, core, seconds = self._record, self._core, limit(timeout, "timeout")
        if not record.is_over and not record.answered and self._lane is not None:
            waiter: asyncio.Future[None] = core.loop.create_future()

            def give_up(error: DirectusRealtimeError) -> None:
                if not waiter.done():
                    waiter.set_exception(error)

            waiters = self._lane.answer.waiters
            waiters.add(waiter)
            core.hopes.add(give_up)
            try:
                if core.state() is State.FAILED:
                    core.confirmed(record, 0)
                if not await core.come(waiter, seconds, lambda: core.confirmed(record, 0)):
                    raise self._not_answered()
                waiter.result()
            finally:
                core.hopes.discard(give_up)
                waiters.discard(waiter)
        if record.refusal is not None:
            raise record.refusal
        if record.is_over:
            raise ClosedError(f"the subscription {self.uid!r} has ended")
