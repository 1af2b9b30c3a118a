"""Waiting for states, confirmations and replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .._errors import ClosedError, DirectusRealtimeError
from .._link import Link
from .._state import State, StateChange
from ._loop import ClientLoop


class Waits:
    """The waiting coroutines of one client. It observes the client's states."""

    def __init__(self, loop: ClientLoop, link: Link) -> None:
        self._loop = loop
        self._link = link
        #: Each checks the condition that a coroutine waits for, while nothing is delivered.
        self._lookers: set[Callable[[], None]] = set()
        self._state_waiters: dict[asyncio.Future[None], State] = {}
        #: Each is called with the reason when the client fails or is closed.
        self._failure_callbacks: set[Callable[[DirectusRealtimeError], None]] = set()
        #: These wait until the client has failed or is closed.
        self._end_waiters: set[asyncio.Future[None]] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no coroutine waits."""
        return not (
            self._lookers or self._state_waiters or self._failure_callbacks or self._end_waiters
        )

    async def done(
        self,
        future: asyncio.Future[Any],
        seconds: float | None,
        look: Callable[[], bool] | None = None,
    ) -> bool:
        """Waits for a future; False where that takes longer.

        `look` returns whether what is waited for has happened, and raises where it will
        not. It is asked while nothing is delivered.
        """
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

        def look_for_it() -> None:
            try:
                if look is not None and not future.done() and look():
                    future.set_result(None)
            except DirectusRealtimeError as error:
                future.set_exception(error)

        self._lookers.add(look_for_it)
        try:
            done, _ = await asyncio.wait({future}, timeout=seconds)
            return bool(done)
        finally:
            self._lookers.discard(look_for_it)
            future.cancel()

    async def done_unless_failed(
        self, future: asyncio.Future[None], seconds: float | None, look: Callable[[], bool]
    ) -> bool:
        """The same, and the future fails with the client."""

        def fail(error: DirectusRealtimeError) -> None:
            if not future.done():
                future.set_exception(error)

        self._failure_callbacks.add(fail)
        try:
            return await self.done(future, seconds, look)
        finally:
            self._failure_callbacks.discard(fail)

    async def entered(self, wanted: State, seconds: float | None) -> bool:
        """Whether a state is entered within so many seconds; connects if need be."""
        loop = self._loop.bind()
        if wanted is State.CONNECTED and self._link.state() is State.IDLE:
            self._link.connect()
        if self._link.entered(wanted, 0):
            return True
        waiter: asyncio.Future[None] = loop.create_future()
        self._state_waiters[waiter] = wanted
        try:
            if not await self.done(waiter, seconds, lambda: self._link.entered(wanted, 0)):
                return False
            waiter.result()
            return True
        finally:
            del self._state_waiters[waiter]

    async def failed_or_closed(self) -> None:
        """Waits until the client has failed or is closed."""
        waiter: asyncio.Future[None] = self._loop.bind().create_future()
        self._end_waiters.add(waiter)
        try:
            await waiter
        finally:
            self._end_waiters.discard(waiter)

    def look(self) -> None:
        """Checks all conditions that are waited for; called while nothing is delivered."""
        for look in list(self._lookers):
            look()

    # As an observer of states

    def before_report(self, change: StateChange) -> None:
        """Wakes the coroutines that wait for this state, or that cannot get theirs."""
        if self._loop.usable is None:
            return
        # A failure may have been repaired before it is reported.
        is_end = change.state is State.CLOSED or (
            change.state is State.FAILED and self._link.state() is State.FAILED
        )
        error = change.error or ClosedError(change.message)
        if is_end:
            for fail in list(self._failure_callbacks):
                fail(error)
        # At once: other changes may follow before a coroutine gets a turn.
        for waiter, wanted in list(self._state_waiters.items()):
            if waiter.done():
                continue
            if change.state is wanted:
                waiter.set_result(None)
            elif is_end:
                waiter.set_exception(error)

    def after_report(self, change: StateChange) -> None:
        """Wakes the coroutines that wait for the end."""
        if change.state is State.CLOSED or self._link.failure() is not None:
            for waiter in self._end_waiters:
                if not waiter.done() and not waiter.get_loop().is_closed():
                    waiter.set_result(None)
