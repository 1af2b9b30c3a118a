"""Calls callbacks on the event loop, and awaits those that are coroutine functions."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from .._callback_runner import DirectRunner
from .._callbacks import Callbacks
from ._loop import ClientLoop


class LoopRunner:
    """The `CallbackRunner` of the asyncio client."""

    def __init__(self, callbacks: weakref.ref[Callbacks], loop: ClientLoop) -> None:
        self._callbacks = callbacks
        self._loop = loop
        self._direct = DirectRunner(callbacks, threaded=False)

    def run(
        self,
        callback: Callable[..., object],
        *arguments: Any,
        then: Callable[[Any], None] | None = None,
        finally_: Callable[[], None] | None = None,
    ) -> None:
        """See `CallbackRunner`: `finally_` comes when the coroutine has ended."""
        task: asyncio.Task[None] | None = None
        try:
            result = callback(*arguments)
            if isinstance(result, Awaitable):
                task = self._begin(result, callback, then)
            elif then is not None:
                then(result)
        except BaseException as error:
            if self.passes(error):
                raise
            self.report(error, callback)
        finally:
            if finally_ is None:
                pass
            elif task is None:
                finally_()
            else:
                whole = finally_
                task.add_done_callback(lambda _: whole())

    def passes(self, error: BaseException) -> bool:
        """Exceptions that end a program, such as `KeyboardInterrupt`, pass."""
        return self._direct.passes(error) and not isinstance(error, asyncio.CancelledError)

    def report(self, error: BaseException, callback: object) -> None:
        """Calls `on_error`; the loop's exception handler where there is none."""
        callbacks, loop = self._callbacks(), self._loop.usable
        has_on_error = callbacks is not None and callbacks.on_error is not None
        if has_on_error or loop is None:
            return self._direct.report(error, callback)
        message = f"an exception has left a callback of directus_realtime: {callback!r}"
        loop.call_exception_handler({"message": message, "exception": error})

    def _begin(
        self,
        result: Awaitable[object],
        callback: Callable[..., object],
        then: Callable[[Any], None] | None,
    ) -> asyncio.Task[None] | None:
        if self._loop.is_current:
            return self._loop.create_task(self._await(result, callback, then))
        # The loop has ended, and nothing else can await it.
        getattr(result, "close", lambda: None)()
        return None

    async def _await(
        self,
        result: Awaitable[object],
        callback: Callable[..., object],
        then: Callable[[Any], None] | None,
    ) -> None:
        try:
            value = await result
            if then is not None:
                then(value)
        except Exception as error:
            self.report(error, callback)
