"""The event loop of a client: the one that runs when the client is first used."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from .._errors import InvalidArgumentError
from .._running import Lifecycle


class ClientLoop:
    """Bound to an event loop by `bind`."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Called once, when the loop is bound.
        self.when_bound: Callable[[], None] | None = None
        #: A loop refers weakly to its tasks; these run until they end by themselves.
        self._tasks: set[asyncio.Task[None]] = set()

    def bind(self) -> asyncio.AbstractEventLoop:
        """The client's loop, which must be the running one."""
        running = asyncio.get_running_loop()
        self._lifecycle.check_process()
        if self._loop is None:
            self._lifecycle.check_open()
            self._loop = running
            if self.when_bound is not None:
                self.when_bound()
        elif self._loop is not running:
            raise InvalidArgumentError(
                "this client belongs to another event loop, on which it was first used: make"
                " one in each loop"
            )
        return self._loop

    @property
    def usable(self) -> asyncio.AbstractEventLoop | None:
        """The loop; None where none is bound, or it was closed."""
        return None if self._loop is None or self._loop.is_closed() else self._loop

    @property
    def is_current(self) -> bool:
        """Whether the caller is on the loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def call_soon(self, function: Callable[..., object], *arguments: Any) -> bool:
        """Calls a function on the loop, from any thread; False where the loop is gone."""
        loop = self.usable
        if loop is None:
            return False
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(function, *arguments)
            return True
        # The loop was closed just now.
        return False

    def create_task(self, work: Any) -> asyncio.Task[None]:
        """Runs a coroutine of the application's."""
        task: asyncio.Task[None] = self.bind().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
