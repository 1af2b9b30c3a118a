"""Which thread of the synchronous client delivers: its own, or one that waits or dispatches."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import _abi
from ._closing import Closing
from ._delivery_slot import DeliverySlot
from ._errors import ClosedError, InvalidArgumentError
from ._event_pump import EventPump
from ._incoming import Incoming
from ._lifecycle import Lifecycle
from ._link import Link

#: How long to wait in the library, where no signal such as Ctrl-C is noticed.
_SIGNAL_CHECK_SECONDS = 0.2
#: How long to wait for the thread that delivers before the next look.
_POLL_SECONDS = 0.02


class Delivery:
    """Delivers for one client, and waits for what delivery brings."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        incoming: Incoming,
        link: Link,
        pump: EventPump,
        closing: Closing,
        slot: DeliverySlot,
    ) -> None:
        self._lifecycle = lifecycle
        self._incoming = incoming
        self._link = link
        self._pump = pump
        self._closing = closing
        self._slot = slot

    def until(self, look: Callable[[float], bool], seconds: float | None) -> bool:
        """Waits for something that delivery may bring; delivers unless another thread does.

        Args:
            look: Returns whether it has happened; waits for it so many seconds at most.
            seconds: The limit; None for none.

        Returns:
            Whether it has happened.
        """
        end = None if seconds is None else time.monotonic() + seconds
        happened = False

        def deliver() -> None:
            nonlocal happened
            happened = look(0)
            if not happened and self._incoming.wait(_next_wait(end)):
                self._pump.deliver()

        while True:
            is_last = end is not None and time.monotonic() >= end
            if self._slot.threaded or not self._slot.run(deliver):
                happened = look(_next_wait(end))
            if happened or is_last:
                return happened

    def fileno(self) -> int:
        """The descriptor that is readable while something can be delivered."""
        self._check_threadless()
        return self._incoming.fd

    def dispatch(self, timeout: float | None, max_events: int) -> int:
        """Runs callbacks that are due, and waits for the first of them."""
        return self._dispatch(timeout, max_events, self._lifecycle.check_open)

    def run(self) -> None:
        """Delivers, or waits while the client's thread does, until the client is closed.

        Raises the reason when the client fails.
        """
        if self._slot.threaded:
            while not self._closing.finished.wait(_SIGNAL_CHECK_SECONDS):
                self._lifecycle.check_process()
                self._link.raise_failure()
            return

        def check_before() -> None:
            self._lifecycle.check_open()
            self._link.raise_failure()

        while not self._lifecycle.closed:
            try:
                self._dispatch(None, _abi.MOST_EVENTS, check_before)
            except ClosedError:
                return

    def _dispatch(
        self, timeout: float | None, max_events: int, check_before: Callable[[], None]
    ) -> int:
        self._check_threadless()
        if max_events < 1:
            raise InvalidArgumentError(f"max_events must be at least 1, not {max_events!r}")
        end = None if timeout is None else time.monotonic() + timeout
        done = 0

        def deliver() -> None:
            nonlocal done
            if self._incoming.wait(left):
                done = self._deliver(max_events)

        while True:
            check_before()
            left = None if end is None else max(0.0, end - time.monotonic())
            if not self._slot.run(deliver):
                time.sleep(_POLL_SECONDS if left is None else min(_POLL_SECONDS, left))
            if done > 0 or (end is not None and time.monotonic() >= end):
                return done

    def _check_threadless(self) -> None:
        if self._slot.threaded:
            raise InvalidArgumentError("this client has a thread: make it with thread=False")

    def _deliver(self, max_events: int) -> int:
        try:
            return self._pump.deliver(max_events)
        finally:
            if self._closing.library_closed.is_set():
                # The thread that closes the client could not finish during this.
                self._closing.finish()


def _next_wait(end: float | None) -> float:
    if end is None:
        return _SIGNAL_CHECK_SECONDS
    return max(0.0, min(_SIGNAL_CHECK_SECONDS, end - time.monotonic()))
