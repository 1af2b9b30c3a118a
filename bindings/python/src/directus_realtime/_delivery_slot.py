"""One thread at a time waits for the library and delivers."""

from __future__ import annotations

import threading
from collections.abc import Callable


class DeliverySlot:
    """A lock that is safe to interrupt, and that its holder may enter again."""

    def __init__(self, *, threaded: bool) -> None:
        #: The client has a thread that delivers: no other one ever does.
        self.threaded: bool = threaded
        #: The thread that holds the slot, under the key 0: `setdefault` is atomic.
        self._holder: dict[int, int] = {}

    def run(self, work: Callable[[], object]) -> bool:
        """Does the work, unless another thread holds the slot: returns False then."""
        me = threading.get_ident()
        if self._holder.get(0) == me:
            # A signal handler, while this thread waits.
            work()
            return True
        try:
            if self._holder.setdefault(0, me) != me:
                return False
            work()
            return True
        finally:
            if self._holder.get(0) == me:
                del self._holder[0]

    def after_fork(self) -> None:
        """In a forked child, where the holder may be lost."""
        self._holder = {}
