"""The end of an asyncio client."""

from __future__ import annotations

import asyncio
import contextlib

from .._closing import Closing, close_garbage
from .._core import Core
from .._future import on_a_thread
from ._flow_control import FlowControl
from ._loop import ClientLoop
from ._subscription import Subscriber, callbacks_ended


class LoopClosing:
    """Closes one client on its loop."""

    def __init__(
        self,
        core: Core,
        closing: Closing,
        loop: ClientLoop,
        flow: FlowControl,
        subscriber: Subscriber,
    ) -> None:
        self._lifecycle = core.lifecycle
        self._closing = closing
        self._loop = loop
        self._flow = flow
        self._subscriber = subscriber
        #: Closes the client, even if the call that began it is cancelled.
        self._task: asyncio.Future[None] | None = None

    async def close(self, seconds: float) -> None:
        """Closes the client, and waits for its callbacks; all calls wait for the same end."""
        if self._lifecycle.forked:
            self._closing.close(0)
            return
        here = asyncio.current_task()
        if self._task is None:
            self._flow.stop()
            # A callback that closes the client itself is not waited for.
            others = [each for each in self._subscriber.consumers() if each.task is not here]
            self._closing.begin()

            async def finish() -> None:
                await self._close_library(seconds)
                self._closing.finish()
                await callbacks_ended(others)

            self._task = asyncio.ensure_future(finish())
        if self._task.get_loop() is asyncio.get_running_loop():
            await asyncio.shield(self._task)

    async def _close_library(self, seconds: float) -> None:
        """On a thread, as the closing handshake takes a moment, which is not the loop's."""
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()

        def close() -> None:
            self._closing.close_library(seconds)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(closed.set)

        if not on_a_thread(close):
            close()
        await closed.wait()

    def close_garbage(self) -> None:
        """Closes a client that was garbage-collected, on whichever thread that was."""
        if not self._loop.call_soon(self._close_at_once):
            close_garbage(self._closing)

    def _close_at_once(self) -> None:
        self._flow.stop()
        self._closing.begin()
        self._closing.close_library(0)
        self._closing.finish()
