"""How coroutines wait for what delivery brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .._calls import Result, Steps
from .._errors import DirectusRealtimeError
from .._future import Awaited, left_until, settle
from .._link import Link
from ._flow_control import FlowControl
from ._loop import ClientLoop


class LoopWaiting:
    """The `Waiting` of one asyncio client."""

    advice = "make slow work a coroutine, or run it on another thread"
    goes_by_rows = True

    def __init__(self, loop: ClientLoop, flow: FlowControl, link: Link) -> None:
        self._loop = loop
        self._flow = flow
        self._link = link

    def future(self) -> Awaited:
        """Something to wait for."""
        future: asyncio.Future[object] = self._loop.bind().create_future()
        # It may fail when nothing waits for it any more.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return future

    async def finished(self, steps: Steps[Result]) -> Result:
        """The result of a call, whose waits are awaited."""
        goes_on: Any = None
        error: Exception | None = None
        try:
            while True:
                wait = steps.send(goes_on) if error is None else steps.throw(error)
                try:
                    goes_on, error = await self._until(*wait), None
                except Exception as raised:
                    error = raised
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            steps.close()

    async def _until(
        self,
        future: Awaited,
        end: float | None,
        in_library: Callable[[int], int] | None,
        is_reply: bool,
    ) -> bool:
        """Waits until a future has its outcome; False where that takes longer."""
        assert isinstance(future, asyncio.Future)
        paused = self._flow.when_paused
        if is_reply:
            self._flow.expect(1)
        if in_library is not None:
            paused[future] = lambda: self._watch(future, end, in_library)
            if self._flow.is_paused:
                paused[future]()
        try:
            done, _ = await asyncio.wait({future}, timeout=left_until(end))
            return bool(done)
        finally:
            paused.pop(future, None)
            future.cancel()
            if is_reply:
                self._flow.expect(-1)

    def _watch(
        self, future: asyncio.Future[object], end: float | None, in_library: Callable[[int], int]
    ) -> None:
        """Learns from the library itself what is not delivered during a pause."""
        # Once is enough: it is watched until it has happened.
        self._flow.when_paused.pop(future, None)

        def settle_soon(error: DirectusRealtimeError | None) -> None:
            self._loop.call_soon(lambda: settle(future, error=error))

        self._link.watch(in_library, end, settle_soon)
