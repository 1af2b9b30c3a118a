"""One thread at a time waits for the library and delivers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ._future import Future


class DeliverySlot:
    """A lock that is safe to interrupt, and that its owner may enter again."""

    def __init__(self, *, threaded: bool) -> None:
        #: The client has a thread that delivers: no other one ever does.
        self.threaded: bool = threaded
        #: The thread that has the slot, under the key 0: `setdefault` is atomic.
        self._owner: dict[int, int] = {}
        #: What other threads wait for, one of which has to deliver when the owner stops.
        self._waiting: dict[int, Future] = {}

    def run(self, work: Callable[[], object]) -> bool:
        """Does the work, unless another thread has the slot: returns False then."""
        if self.threaded:
            return False
        me = threading.get_ident()
        if self._owner.get(0) == me:
            # A signal handler, while this thread waits.
            work()
            return True
        try:
            if self._owner.setdefault(0, me) != me:
                return False
            work()
            return True
        finally:
            if self._owner.get(0) == me:
                del self._owner[0]
                for future in list(self._waiting.values()):
                    future.wake()

    def wait(self, future: Future, seconds: float | None) -> None:
        """Waits until a future has its outcome, or this thread might deliver."""
        me = threading.get_ident()
        self._waiting[me] = future
        try:
            future.wait(seconds, unless=lambda: not self.threaded and not self._owner)
        finally:
            self._waiting.pop(me, None)

    def after_fork(self) -> None:
        """In a forked child, where the owner does not exist."""
        self._owner, self._waiting = {}, {}


def left_until(end: float | None) -> float | None:
    """The seconds until then, by `time.monotonic`; None where there is no end."""
    return None if end is None else max(0.0, end - time.monotonic())
