"""The consumer of one subscription's events: a callback, or `async for`."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from .._callback_runner import CallbackRunner
from .._changes import is_wanted
from .._errors import ServerError
from .._link import States
from .._running import when_gone
from .._subscription_state import refusal_of
from ._flow_control import FlowControl, HeldBytes
from ._loop import ClientLoop

#: The bytes of memory that an event takes besides its text.
_OVERHEAD = 200


class Consumer(ABC):
    """Keeps the events for which the application is not ready."""

    def __init__(self, loop: ClientLoop, flow: FlowControl) -> None:
        self._loop = loop
        self._flow = flow
        self.ended: bool = False
        #: The callback that runs, if it is a coroutine.
        self.task: asyncio.Task[None] | None = None
        self._events: deque[tuple[Any, int]] = deque()
        self._held = HeldBytes()
        # Garbage may not have been ended before.
        when_gone(self, flow.give_back, self._held)

    @abstractmethod
    def consume(self, event: Any) -> None:
        """An event has come: passes it on, or keeps it."""

    def end(self) -> None:
        """The subscription has ended: drops the events that are kept.

        May be called on any thread.
        """
        if self._loop.is_current:
            self._end()
        else:
            self._loop.call_soon(self._end)

    @abstractmethod
    def wake(self) -> None:
        """The client has failed, which a coroutine that waits for an event has to know."""

    def _weight(self, event: Any) -> int:
        """The bytes of an event's text."""
        return len(event._text)

    def _keep(self, event: Any) -> None:
        weight = self._weight(event) + _OVERHEAD
        self._events.append((event, weight))
        self._flow.hold(self._held, weight)

    def _pop(self) -> Any:
        """The next event that was kept."""
        if not self._events:
            return None
        event, weight = self._events.popleft()
        self._flow.let_go(self._held, weight)
        return event

    def _end(self) -> None:
        self.ended = True
        self._events.clear()
        self._flow.let_all_go(self._held)


class CallbackConsumer(Consumer):
    """Calls a function, or awaits a coroutine function, event by event."""

    def __init__(
        self,
        loop: ClientLoop,
        flow: FlowControl,
        runner: CallbackRunner,
        callback: Callable[[Any], Any],
    ) -> None:
        super().__init__(loop, flow)
        self._runner = runner
        self._callback = callback

    def wake(self) -> None:
        """No coroutine waits for an event here."""

    def consume(self, event: Any) -> None:
        """See `Consumer`."""
        if self.task is not None:
            return self._keep(event)
        result = self._callback(event)
        if result is not None and isinstance(result, Awaitable):
            self._begin(result)

    def _begin(self, result: Awaitable[Any]) -> None:
        # A coroutine is the task itself: so it counts as awaited when the task is cancelled
        # before it begins.
        work = result if asyncio.iscoroutine(result) else _finish(result)
        self.task = self._loop.create_task(work)
        self.task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self.task = None
        if not task.cancelled():
            error = task.exception()
            # An exception that ends the program has ended the loop.
            if error is not None and not self._runner.passes(error):
                self._runner.report(error, self._callback)
        elif self._was_cancelled_itself(task):
            return
        else:
            self._runner.report(asyncio.CancelledError(), self._callback)
        while self.task is None and not self.ended:
            event = self._pop()
            if event is None:
                return
            try:
                self.consume(event)
            except BaseException as error:
                if self._runner.passes(error):
                    raise
                self._runner.report(error, self._callback)

    def _was_cancelled_itself(self, task: asyncio.Task[None]) -> bool:
        """Whether the task was cancelled, rather than what it has waited for."""
        # Before Python 3.11 this is known only of what was cancelled here.
        cancelling: Callable[[], int] = getattr(task, "cancelling", lambda: 0)
        return self.ended or cancelling() > 0

    def _end(self) -> None:
        super()._end()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()


async def _finish(result: Awaitable[Any]) -> None:
    await result


class IteratorConsumer(Consumer):
    """Keeps events until the application asks for the next one."""

    def __init__(
        self, loop: ClientLoop, flow: FlowControl, states: States, *, changes_only: bool
    ) -> None:
        super().__init__(loop, flow)
        self._states = states
        self._changes_only = changes_only
        self._news: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Lets `next` look again."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def next(self) -> Any:
        """The next event. Nothing is lost when this is cancelled."""
        while True:
            event = self._pop()
            if event is not None:
                if not event.ended:
                    return event
                self.ended = True
                raise self._refusal(event)
            if self.ended:
                raise StopAsyncIteration
            self._states.raise_failure()
            if self._news is None or self._news.done():
                self._news = self._loop.bind().create_future()
            # Several coroutines may wait for the same event.
            await asyncio.shield(self._news)

    def _refusal(self, event: Any) -> ServerError:
        return refusal_of(event.uid, event.data)

    def consume(self, event: Any) -> None:
        """See `Consumer`."""
        # A refusal is kept in any case: `next` raises it.
        if event.ended or not self._changes_only or is_wanted(event):
            self._keep(event)
            self.wake()

    def _end(self) -> None:
        super()._end()
        self.wake()
