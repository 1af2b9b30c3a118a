"""Waiting for something that happens once."""

from __future__ import annotations

import _thread
import contextlib
import time

#: How long to sleep without a look.
_SLICE = 0.2


class Latch:
    """Like `threading.Event`, which is written in Python: what a signal's handler raises
    inside of that leaves its lock held, and whoever would set it then waits for ever."""

    __slots__ = ("_is_set", "_lock")

    def __init__(self) -> None:
        self._is_set = False
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """It has happened."""
        self._is_set = True
        self._pass_on()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for it, and says whether it has happened."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self._is_set:
            left = _SLICE if end is None else max(0.0, end - time.monotonic())
            if self._lock.acquire(timeout=min(_SLICE, left)):
                self._pass_on()
            elif left == 0:
                break
        return self._is_set

    def _pass_on(self) -> None:
        # Somebody else has done so.
        with contextlib.suppress(RuntimeError):
            self._lock.release()
