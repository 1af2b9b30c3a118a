"""Brings what waits in the library to the event loop, batch by batch.

While the application is behind with what it iterates over, or with callbacks that are
coroutines, the rest stays in the library's queue, which has a budget and knows what to
do when that is used up. The link itself never waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from .. import _abi
from .._abi import lib
from .._core import Core
from .._errors import ClosedError, DirectusRealtimeError
from .._record import Record
from .._state import State, StateChange

#: Events in a batch, at most: the loop gets a turn after each.
MOST_EVENTS = 256
#: Bytes that the application may be behind.
MOST_HELD = 1 << 20
#: What keeps everything waiting for so many seconds is worth a word.
PATIENCE = 10.0

_logger = logging.getLogger("directus_realtime.aio")


class AioCore(Core):
    """A core on an event loop."""

    def __init__(self, options: _abi.ClientOptions) -> None:
        super().__init__(options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._reading = False
        self._held = 0
        self._expected = 0
        self._complaint: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        #: Who waits for a state, and who wants to know that there is no hope.
        #: What the application holds of its subscriptions.
        self.views: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.state_waiters: dict[asyncio.Future[StateChange], State] = {}
        self.hopes: set[Callable[[DirectusRealtimeError], None]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop: the one that ran when the client was first used."""
        if self._loop is None:
            self.check_open()
            self._loop = asyncio.get_running_loop()
            # The library closes its own end of the pipe when it likes.
            self._fd = os.dup(lib.drt_client_fd(self.handle))
            self._resume()
        return self._loop

    def create_task(self, work: Any) -> None:
        """Runs a coroutine of the application's, and reports how it ends."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Back-pressure

    def hold(self, weight: int) -> None:
        """So many bytes wait for the application."""
        self._held += weight

    def let_go(self, weight: int) -> None:
        """It has caught up by so many."""
        self._held -= weight
        self._resume()

    def expect(self, by: int) -> None:
        """So many more wait for an answer that is behind the events in the queue.

        What holds up the events may itself be among them. So while there are any,
        nothing is held up.
        """
        self._expected += by
        self._resume()

    @property
    def _is_behind(self) -> bool:
        return self._held > MOST_HELD and self._expected == 0

    def _resume(self) -> None:
        if self._loop is None or self._reading or self.closed or self._is_behind:
            return
        if self._complaint is not None:
            self._complaint.cancel()
            self._complaint = None
        self._reading = True
        self._loop.add_reader(self._fd, self._on_readable)

    def _pause(self) -> None:
        if self._loop is not None and self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)
            self._complaint = self._loop.call_later(PATIENCE, _complain)

    def _on_readable(self) -> None:
        try:
            self.pump(0, MOST_EVENTS)
        except ClosedError:
            self.stop_reading()
        if self._is_behind:
            self._pause()

    def stop_reading(self) -> None:
        """Nothing comes any more."""
        if self._complaint is not None:
            self._complaint.cancel()
            self._complaint = None
        if self._loop is not None and self._reading and not self._loop.is_closed():
            self._reading = False
            self._loop.remove_reader(self._fd)

    def finish_closing(self) -> None:
        super().finish_closing()
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _end(self, record: Record) -> bool:
        was_there = super()._end(record)
        if was_there and record.lane is not None:
            record.lane.end()
        return was_there

    def abandon(self, record: Record) -> None:
        """Nobody can read a subscription's events any more; told on any thread."""
        if self._loop is not None and not self.closed:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.unsubscribe, record)

    # Callbacks

    def report(self, error: BaseException) -> None:
        if self.on_error is not None or self._loop is None or self._loop.is_closed():
            return super().report(error)
        message = "an exception has left a callback of directus_realtime"
        self._loop.call_exception_handler({"message": message, "exception": error})

    def state_changed(self, change: StateChange) -> None:
        if change.state in (State.FAILED, State.CLOSED):
            error = change.error or ClosedError(change.message)
            for hope in list(self.hopes):
                hope(error)
        # Several changes may be told before any of those who wait gets a turn.
        for waiter, wanted in list(self.state_waiters.items()):
            if not waiter.done() and change.state in (wanted, State.FAILED, State.CLOSED):
                waiter.set_result(change)
        if self.on_state is not None:
            self._call(self.on_state, change)

    def token_wanted(self, error: DirectusRealtimeError | None) -> None:
        if self.on_token is None:
            return
        result = self.on_token(error)
        if isinstance(result, Awaitable):
            self.create_task(self._await_token(result))
        else:
            self.take_token(result)

    async def _await_token(self, wanted: Awaitable[object]) -> None:
        try:
            token = await wanted
            if not self.closed:
                self.take_token(token)
        except Exception as error:
            self.report(error)

    def _call(self, callback: Callable[..., object], *arguments: Any) -> None:
        result = callback(*arguments)
        if isinstance(result, Awaitable):
            self.create_task(self._await(result))

    async def _await(self, result: Awaitable[object]) -> None:
        try:
            await result
        except Exception as error:
            self.report(error)


def _complain() -> None:
    _logger.warning(
        "events have been waiting for %d s, because a callback has not returned or nobody"
        " iterates over a subscription without a callback",
        PATIENCE,
    )


def finish(core: AioCore) -> None:
    """Closes a client that nobody holds any more, on whichever thread that shows."""
    loop = core._loop
    if loop is None or loop.is_closed():
        core.close(0)
        return
    try:
        loop.call_soon_threadsafe(_finish_on_loop, core)
    except RuntimeError:
        # The loop was closed just now.
        core.close(0)


def _finish_on_loop(core: AioCore) -> None:
    core.stop_reading()
    core.close(0)
