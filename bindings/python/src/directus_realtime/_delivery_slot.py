"""One thread at a time waits for the library and delivers."""

from __future__ import annotations

import threading
from collections.abc import Callable


class DeliverySlot:
    """A lock that is safe to interrupt, and that its owner may enter again."""

    def __init__(self, *, threaded: bool) -> None:
        #: The client has a thread that delivers: no other one ever does.
        self.threaded: bool = threaded
        #: The thread that has the slot, under the key 0: `setdefault` is atomic.
        self._owner: dict[int, int] = {}

    def run(self, work: Callable[[], object]) -> bool:
        """Does the work, unless another thread has the slot: returns False then."""
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

    def after_fork(self) -> None:
        """In a forked child, where the owner does not exist."""
        self._owner = {}
