"""Delivers on the event loop, and pauses while the application is behind.

It is behind with events that it iterates over, or with callbacks that are coroutines.
Meanwhile the rest stays in the library's queue, which has a budget, and repairs what
was lost once that is used up. The link itself never waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .._core import Core
from .._errors import ClosedError
from ._loop import ClientLoop

#: Rows in a batch, at most: the loop gets a turn after each batch.
_MOST_ROWS = 256
#: How many bytes of events may be held for the application,
_MOST_HELD = 1 << 20
#: and wait in the library, where `queue_bytes` is not given.
_DEFAULT_QUEUE_BYTES = 64 << 20
#: After so many seconds of a pause there is a warning.
_WARNING_SECONDS = 10.0

_logger = logging.getLogger("directus_realtime.aio")


class HeldBytes:
    """How many bytes of one subscription's events are held for the application."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count: int = 0


class FlowControl:
    """Reads from the library as fast as the application takes it."""

    def __init__(self, core: Core, loop: ClientLoop, queue_bytes: int) -> None:
        self._lifecycle = core.lifecycle
        self._incoming = core.incoming
        self._pump = core.pump
        self._loop = loop
        self._is_reading = False
        #: Bytes of events that are held for the application.
        self.held: int = 0
        #: Replies that are waited for.
        self.expected: int = 0
        #: The limit while a reply is waited for: all bytes that can be queued before it.
        self._most_expecting = (queue_bytes or _DEFAULT_QUEUE_BYTES) + _MOST_HELD
        #: During a pause: its warning.
        self._warning: asyncio.TimerHandle | None = None
        #: Each is called once when a pause begins: how a coroutine learns by other means what
        #: it waits for.
        self.when_paused: dict[object, Callable[[], None]] = {}

    def hold(self, held: HeldBytes, weight: int) -> None:
        """So many bytes more are held for the application."""
        held.count += weight
        self.held += weight

    def let_go(self, held: HeldBytes, weight: int) -> None:
        """The application has taken so many of them."""
        held.count -= weight
        self.held -= weight
        self.resume()

    def let_all_go(self, held: HeldBytes) -> None:
        """The application will not take them."""
        self.let_go(held, held.count)

    def give_back(self, held: HeldBytes) -> None:
        """The same on any thread: what held them is garbage."""
        if held.count:
            self._loop.call_soon(self.let_all_go, held)

    def expect(self, by: int) -> None:
        """So many more replies are waited for.

        A reply comes after the events that are queued before it, and the coroutine that
        holds these up may be the one that waits for it. So during that nothing is paused,
        as long as the reply can be behind what is held.
        """
        self.expected += by
        self.resume()

    def resume(self) -> None:
        """Reads on, unless the application is behind."""
        loop = self._loop.usable
        if loop is None or self._is_reading or self._lifecycle.closed or self._is_behind:
            return
        self._cancel_warning()
        self._is_reading = True
        loop.add_reader(self._incoming.fd, self._on_readable)
        if self._incoming.has_rows:
            loop.call_soon(self._on_readable)

    def stop(self) -> None:
        """Ends reading; `resume` begins again."""
        self._cancel_warning()
        loop = self._loop.usable
        if loop is not None and self._is_reading:
            self._is_reading = False
            loop.remove_reader(self._incoming.fd)

    @property
    def _is_behind(self) -> bool:
        return self.held > (self._most_expecting if self.expected else _MOST_HELD)

    def _on_readable(self) -> None:
        if not self._is_reading:
            return
        try:
            self._pump.deliver(_MOST_ROWS)
        except ClosedError:
            self.stop()
        except BaseException:
            # KeyboardInterrupt or SystemExit ends the loop. Should it run again, it
            # continues here.
            loop = self._loop.usable
            if loop is not None:
                loop.call_soon(self._on_readable)
            raise
        if self._is_behind:
            self._pause()

    @property
    def is_paused(self) -> bool:
        """Whether nothing is delivered, because the application is behind."""
        return self._warning is not None

    def _pause(self) -> None:
        loop = self._loop.usable
        if loop is not None and self._is_reading:
            self.stop()
            self._warning = loop.call_later(_WARNING_SECONDS, _warn)
            for call in list(self.when_paused.values()):
                call()

    def _cancel_warning(self) -> None:
        if self._warning is not None:
            self._warning.cancel()
            self._warning = None


def _warn() -> None:
    _logger.warning(
        "events have been waiting for %d s: a callback has not returned, or a subscription"
        " without a callback is not iterated over",
        _WARNING_SECONDS,
    )
