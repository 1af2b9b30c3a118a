"""Waiting for something that happens once."""

from __future__ import annotations

import _thread
import contextlib
import time

#: How long to wait without letting signal handlers run.
_SIGNAL_CHECK_SECONDS = 0.2


class OneTimeEvent:
    """Like `threading.Event`, but safe to interrupt.

    `threading.Event` is written in Python: an exception that a signal handler raises
    inside of it leaves its lock held, and the thread that sets it then waits for ever.
    """

    __slots__ = ("_is_set", "_lock")

    def __init__(self) -> None:
        self._is_set = False
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        """It has happened: wakes all threads that wait."""
        self._is_set = True
        self._release()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for it, and returns whether it has happened."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self._is_set:
            left = _SIGNAL_CHECK_SECONDS if end is None else max(0.0, end - time.monotonic())
            if self._lock.acquire(timeout=min(_SIGNAL_CHECK_SECONDS, left)):
                # The next thread that waits.
                self._release()
            elif left == 0:
                break
        return self._is_set

    def _release(self) -> None:
        # Another thread may have released it just now.
        with contextlib.suppress(RuntimeError):
            self._lock.release()
