"""The way of one subscription's events to the application."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from .._changes import is_wanted
from .._errors import ClosedError
from .._events import Event
from .._record import refusal_of
from ._core import AioCore

#: What an event weighs besides what the server wrote.
_OVERHEAD = 200


class Answer:
    """The server's answer to a subscription."""

    def __init__(self) -> None:
        self.waiters: set[asyncio.Future[None]] = set()

    def settle(self, error: Exception | None = None) -> None:
        """It has come, or will not."""
        for waiter in self.waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        self.waiters.clear()


class Lane(ABC):
    """Events that wait for a callback that is a coroutine, or for `async for`."""

    def __init__(self, core: AioCore) -> None:
        self.core: AioCore = core
        self.answer: Answer = Answer()
        self.over: bool = False
        #: The callback that runs, if it is a coroutine.
        self.task: asyncio.Task[None] | None = None
        self._events: deque[tuple[Event, int]] = deque()

    def consume(self, event: Event) -> None:
        """An event has come."""
        try:
            self.take(event)
        finally:
            self.answer.settle()

    @abstractmethod
    def take(self, event: Event) -> None:
        """Passes an event on, or keeps it."""

    def keep(self, event: Event) -> None:
        """Keeps an event until the application is ready for it."""
        weight = len(event._row[-1]) + _OVERHEAD
        self._events.append((event, weight))
        self.core.hold(weight)

    def pop(self) -> Event | None:
        """The next of those that were kept."""
        if not self._events:
            return None
        event, weight = self._events.popleft()
        self.core.let_go(weight)
        return event

    @abstractmethod
    def wake(self) -> None:
        """Whoever waits for an event should look at what has happened."""

    def end(self) -> None:
        """The subscription has ended: what waits is not wanted any more."""
        self.over = True
        weight = sum(weight for _, weight in self._events)
        self._events.clear()
        self.core.let_go(weight)
        self.answer.settle(ClosedError("the subscription has ended"))


class CallbackLane(Lane):
    """Calls a function, or awaits a coroutine function, event by event."""

    def __init__(self, core: AioCore, callback: Callable[[Event], Any]) -> None:
        super().__init__(core)
        self._callback = callback

    def take(self, event: Event) -> None:
        if self.task is not None:
            return self.keep(event)
        result = self._callback(event)
        if isinstance(result, Awaitable):
            self._begin(result)

    def wake(self) -> None:
        """Nobody waits."""

    def _begin(self, result: Awaitable[Any]) -> None:
        # Of a coroutine itself: one that is cancelled before it begins has been awaited.
        work = result if asyncio.iscoroutine(result) else _finish(result)
        self.task = self.core.create_task(work)
        self.task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self.task = None
        if not task.cancelled():
            error = task.exception()
            # What is meant to end the loop has done so.
            if error is not None and not self.core.lets_pass(error):
                self.core.report(error, self._callback)
        elif self._was_asked_to_end(task):
            return
        else:
            self.core.report(asyncio.CancelledError(), self._callback)
        while self.task is None and not self.over:
            event = self.pop()
            if event is None:
                return
            try:
                self.take(event)
            except BaseException as error:
                if self.core.lets_pass(error):
                    raise
                self.core.report(error, self._callback)

    def _was_asked_to_end(self, task: asyncio.Task[None]) -> bool:
        """Whether the task was cancelled, rather than what it has waited for."""
        # Before Python 3.11 nobody knows, unless it was in here.
        cancelling: Callable[[], int] = getattr(task, "cancelling", lambda: 0)
        return self.over or cancelling() > 0

    def end(self) -> None:
        super().end()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()


async def _finish(result: Awaitable[Any]) -> None:
    await result


class IteratorLane(Lane):
    """Keeps events until somebody asks for the next."""

    def __init__(self, core: AioCore, changes_only: bool) -> None:
        super().__init__(core)
        self._changes_only = changes_only
        self._asked: asyncio.Future[None] | None = None

    def take(self, event: Event) -> None:
        # That the server has refused it is raised to whoever iterates.
        if event.ended or not self._changes_only or is_wanted(event):
            self.keep(event)
            self.wake()

    def end(self) -> None:
        super().end()
        self.wake()

    def wake(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    async def next(self) -> Event:
        """The next event. Nothing is lost when this is cancelled."""
        while True:
            event = self.pop()
            if event is not None:
                if not event.ended:
                    return event
                self.over = True
                raise refusal_of(event.uid, event)
            if self.over:
                raise StopAsyncIteration
            self.core.raise_failure()
            if self._asked is None or self._asked.done():
                self._asked = self.core.loop.create_future()
            # Several may wait for the same.
            await asyncio.shield(self._asked)
