"""Brings what waits in the library to the event loop, batch by batch.

While the application is behind with what it iterates over, or with callbacks that are
coroutines, the rest stays in the library's queue, which has a budget and knows what to
do when that is used up. The link itself never waits.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import logging
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .. import _abi
from .._core import Core
from .._core import abandon as abandon_elsewhere
from .._errors import ClosedError, DirectusRealtimeError, InvalidArgumentError
from .._holder import Holder
from .._record import Record, ScopeRecord
from .._state import State, StateChange

if TYPE_CHECKING:
    from ._lane import Lane

#: Events in a batch, at most: the loop gets a turn after each.
MOST_EVENTS = 256
#: Bytes that the application may be behind,
MOST_HELD = 1 << 20
#: and the library, where it is not told otherwise.
MOST_QUEUED = 64 << 20
#: What keeps everything waiting for so many seconds is worth a word.
PATIENCE = 10.0
#: Meanwhile who waits for something else looks after it so often.
GLANCE = 0.1

_logger = logging.getLogger("directus_realtime.aio")


class AioCore(Core):
    """A core on an event loop."""

    def __init__(self, options: _abi.ClientOptions, holder: Holder) -> None:
        super().__init__(options, holder)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading = False
        self._held = 0
        self._expected = 0
        #: What may be held where an answer is behind it: whatever can be before it.
        self._most_expecting = (options.queue_bytes or MOST_QUEUED) + MOST_HELD
        self._timers: list[asyncio.TimerHandle] = []
        #: Whatever of the application's runs, until it ends by itself.
        self._tasks: set[asyncio.Task[None]] = set()
        #: What the application holds of its subscriptions.
        self.views: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        #: Who waits for a state, and who wants to know that there is no hope.
        self.state_waiters: dict[asyncio.Future[None], State] = {}
        self.hopes: set[Callable[[DirectusRealtimeError], None]] = set()
        #: Who waits for the end, or for a failure.
        self.end_waiters: set[asyncio.Future[None]] = set()
        #: The coroutine that fetches a token, and why another one was wanted meanwhile.
        self._token_task: asyncio.Task[None] | None = None
        self._token_wanted_again: list[DirectusRealtimeError | None] = []
        #: Who can look for what it waits for without events being read.
        self.lookers: set[Callable[[], None]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop: the one that ran when the client was first used."""
        running = asyncio.get_running_loop()
        self.check_process()
        if self._loop is None:
            self.check_open()
            self._loop = running
            self._resume()
        elif self._loop is not running:
            raise InvalidArgumentError(
                "this client belongs to another event loop, on which it was first used: make"
                " one in each loop"
            )
        return self._loop

    def create_task(self, work: Any) -> asyncio.Task[None]:
        """Runs a coroutine of the application's."""
        task: asyncio.Task[None] = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def come(
        self, future: asyncio.Future[Any], seconds: float | None, look: Callable[[], bool] | None
    ) -> bool:
        """Waits for a future; False where that takes longer.

        `look` sees for itself whether what is waited for has come, and raises where it
        will not: that is asked while events are not read.
        """
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

        def look_after() -> None:
            try:
                if look is not None and not future.done() and look():
                    future.set_result(None)
            except DirectusRealtimeError as error:
                future.set_exception(error)

        self.lookers.add(look_after)
        try:
            done, _ = await asyncio.wait({future}, timeout=seconds)
            return bool(done)
        finally:
            self.lookers.discard(look_after)
            future.cancel()

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
        nothing is held up, as long as the answer can be behind it.
        """
        self._expected += by
        self._resume()

    @property
    def _is_behind(self) -> bool:
        return self._held > (self._most_expecting if self._expected else MOST_HELD)

    def _resume(self) -> None:
        if self._loop is None or self._reading or self.closed or self._is_behind:
            return
        self._drop_timers()
        self._reading = True
        self._loop.add_reader(self._fd, self._on_readable)
        if self._rows is not None:
            self._loop.call_soon(self._on_readable)

    def _pause(self) -> None:
        if self._loop is not None and self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)
            self._timers = [self._loop.call_later(PATIENCE, _complain)]
            self._look()

    def _look(self) -> None:
        if self._loop is None or self._reading or self.closed:
            return
        for look in list(self.lookers):
            look()
        del self._timers[1:]
        self._timers.append(self._loop.call_later(GLANCE, self._look))

    def _drop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _on_readable(self) -> None:
        if not self._reading:
            return
        try:
            self.pump(MOST_EVENTS)
        except ClosedError:
            self.stop_reading()
        except BaseException:
            # KeyboardInterrupt or SystemExit ends the loop; should it run again, that is
            # where this goes on.
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon(self._on_readable)
            raise
        if self._is_behind:
            self._pause()

    def stop_reading(self) -> None:
        """Nothing comes any more."""
        self._drop_timers()
        if self._loop is not None and self._reading and not self._loop.is_closed():
            self._reading = False
            self._loop.remove_reader(self._fd)

    # The end of subscriptions

    def _end(self, record: Record) -> bool:
        lane: Lane | None = None if record.lane is None else record.lane()
        was_there = super()._end(record)
        if lane is None:
            pass
        elif self._on_loop():
            lane.end()
        else:
            self.call_soon(lane.end)
        return was_there

    async def ended(self, lanes: list[Lane]) -> None:
        """Waits until no callback of these runs, but for one that this is called in."""
        here = asyncio.current_task()
        tasks = [lane.task for lane in lanes if lane.task is not here]
        running = [task for task in tasks if task is not None]
        if running:
            await asyncio.wait(running)

    def lanes(self, records: list[Record] | None = None) -> list[Lane]:
        """Those of some subscriptions, or of all."""
        records = self.records() if records is None else records
        lanes = [record.lane() for record in records if record.lane is not None]
        return [lane for lane in lanes if lane is not None]

    def call_soon(self, function: Callable[..., object], *arguments: Any) -> bool:
        """Does something on the loop, from any thread; False where that cannot be."""
        if self._loop is None or self._loop.is_closed():
            return False
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, *arguments)
            return True
        # The loop was closed just now.
        return False

    def abandon(self, record: Record) -> None:
        """Nobody can read a subscription's events any more; told on any thread."""
        if not self.closed:
            self.call_soon(self.unsubscribe, record)

    def drop_scope(self, scope: ScopeRecord) -> None:
        super().drop_scope(scope)
        self.call_soon(self._tidy_here)

    def _tidy_here(self) -> None:
        if not self.closed:
            super().tidy()

    def tidy(self) -> None:
        # Lanes are the loop's.
        if self._gone and (self._loop is None or self._on_loop()):
            super().tidy()

    def _on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    # Callbacks

    def lets_pass(self, error: BaseException) -> bool:
        return super().lets_pass(error) and not isinstance(error, asyncio.CancelledError)

    def report(self, error: BaseException, callback: object) -> None:
        holder = self.holder()
        told = holder is not None and holder.on_error is not None
        if told or self._loop is None or self._loop.is_closed():
            return super().report(error, callback)
        message = f"an exception has left a callback of directus_realtime: {callback!r}"
        self._loop.call_exception_handler({"message": message, "exception": error})

    def state_changed(self, change: StateChange) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._tell_waiters(change)
        super().state_changed(change)
        if change.state is State.CLOSED:
            self._wake_end_waiters()

    def has_failed(self) -> None:
        for lane in self.lanes():
            lane.wake()
        self._wake_end_waiters()

    def _wake_end_waiters(self) -> None:
        for waiter in self.end_waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)

    def _tell_waiters(self, change: StateChange) -> None:
        is_end = change.state in (State.FAILED, State.CLOSED)
        error = change.error or ClosedError(change.message)
        if is_end:
            for hope in list(self.hopes):
                hope(error)
        # Several changes may be told before any of those who wait gets a turn.
        for waiter, wanted in list(self.state_waiters.items()):
            if waiter.done():
                continue
            if change.state is wanted:
                waiter.set_result(None)
            elif is_end:
                waiter.set_exception(error)

    def token_wanted(self, error: DirectusRealtimeError | None) -> None:
        holder = self.holder()
        if holder is None or holder.on_token is None or self.closed or self._is_answered():
            return
        if self._token_task is not None:
            # One at a time: the token that it brings answers this as well.
            self._token_wanted_again = [error]
            return
        result = holder.on_token(error)
        if isinstance(result, Awaitable):
            self._token_task = self.create_task(self._await_token(result, holder.on_token))
            self._token_task.add_done_callback(self._token_task_done)
        else:
            self.take_token(result)

    async def _await_token(self, wanted: Awaitable[object], callback: object) -> None:
        try:
            self.take_token(await wanted)
            self._token_wanted_again = []
        except Exception as error:
            self.report(error, callback)

    def _token_task_done(self, task: asyncio.Task[None]) -> None:
        self._token_task = None
        again, self._token_wanted_again = self._token_wanted_again, []
        # It has failed, and somebody has asked since.
        for error in again:
            self.guard(self.token_wanted, error)

    def call(self, callback: Callable[..., object], *arguments: Any) -> None:
        result = callback(*arguments)
        if isinstance(result, Awaitable):
            if self._on_loop():
                self.create_task(self._await(result, callback))
            else:
                # The loop is gone: nobody could await it.
                getattr(result, "close", lambda: None)()

    async def _await(self, result: Awaitable[object], callback: object) -> None:
        try:
            await result
        except Exception as error:
            self.report(error, callback)

    # The whole client

    async def leave(self, seconds: float, lanes: list[Lane]) -> None:
        """Closes, once `begin_to_close` has ended what can be ended at once.

        The library's farewell takes a moment, which is not the loop's: it is said on a
        thread that ends with it.
        """
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()

        def say_farewell() -> None:
            self.end_library(seconds)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(gone.set)

        try:
            _thread.start_new_thread(say_farewell, ())
        except RuntimeError:
            # The interpreter is about to end.
            say_farewell()
        await gone.wait()
        self.finish()
        await self.ended(lanes)


def _complain() -> None:
    _logger.warning(
        "events have been waiting for %d s, because a callback has not returned or nobody"
        " iterates over a subscription without a callback",
        PATIENCE,
    )


def abandon(core: AioCore) -> None:
    """Closes a client that nobody holds any more, on whichever thread that shows."""
    if not core.call_soon(_close_on_loop, core):
        abandon_elsewhere(core)


def _close_on_loop(core: AioCore) -> None:
    core.stop_reading()
    core.begin_to_close()
    core.end_library(0)
    core.finish()
