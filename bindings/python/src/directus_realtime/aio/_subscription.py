"""What `await client.subscribe(…)` returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from .._errors import ClosedError, DirectusRealtimeError, InvalidArgumentError, TimeoutError
from .._events import Event
from .._subscription import Handler
from ._core import AioCore
from ._lane import IteratorLane, Lane


class Subscription(Handler, AsyncIterator[Event]):
    """A subscription of the asyncio client.

    Without a callback its events are iterated over: `async for event in subscription`.
    Several loops share them; a loop that was left can be taken up again. While nobody
    iterates, what comes waits, and when that is a mebibyte everything does.
    """

    __slots__ = ()

    _core: AioCore

    @property
    def _lane(self) -> Lane:
        lane: Lane = self._record.lane
        return lane

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
            TimeoutError: The server has not answered in time.
            DirectusRealtimeError: The client has failed; this is why.
        """
        record, core = self._record, self._core
        if record.refusal is None and not record.ended and not record.answered:
            waiter = core.loop.create_future()

            def give_up(error: DirectusRealtimeError) -> None:
                if not waiter.done():
                    waiter.set_exception(error)

            self._lane.answer.waiters.add(waiter)
            core.hopes.add(give_up)
            core.expect(1)
            try:
                await asyncio.wait_for(waiter, timeout)
            except asyncio.TimeoutError:
                text = f"the server has not answered the subscription {self.uid!r}"
                raise TimeoutError(text) from None
            finally:
                core.expect(-1)
                core.hopes.discard(give_up)
        if record.refusal is not None:
            raise record.refusal
        if record.ended:
            raise ClosedError(f"the subscription {self.uid!r} has ended")
