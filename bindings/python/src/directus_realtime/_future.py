"""The outcome of something that happens once, for threads that wait for it."""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol


class Awaited(Protocol):
    """A `Future`, or asyncio's."""

    def done(self) -> bool: ...

    def result(self) -> Any: ...

    def set_result(self, result: Any, /) -> None: ...

    def set_exception(self, exception: Any, /) -> None: ...


class Future:
    """Like `concurrent.futures.Future`, but safe to interrupt.

    Those of Python are written in Python: an exception that a signal handler raises inside
    of one leaves its lock held, and other threads would wait for ever.
    """

    __slots__ = ("_error", "_is_done", "_locks", "_result")

    def __init__(self) -> None:
        self._is_done = False
        self._result: Any = None
        self._error: BaseException | None = None
        #: One for each thread that waits.
        self._locks: list[_thread.LockType] = []

    def done(self) -> bool:
        """Whether it has happened."""
        return self._is_done

    def result(self) -> Any:
        """The outcome; raises it if it is an exception."""
        if self._error is not None:
            raise self._error
        return self._result

    def set_result(self, result: Any, /) -> None:
        """It has happened."""
        self._result = result
        self._is_done = True
        self.wake()

    def set_exception(self, exception: BaseException, /) -> None:
        """It has failed."""
        self._error = exception
        self._is_done = True
        self.wake()

    def wake(self) -> None:
        """Lets all threads return from `wait`."""
        for lock in list(self._locks):
            # It may have been released, or have timed out, just now.
            with contextlib.suppress(RuntimeError):
                lock.release()

    def wait(
        self, seconds: float | None = None, unless: Callable[[], bool] = lambda: False
    ) -> bool:
        """Waits once, and returns whether it has happened.

        Args:
            seconds: The limit; None for none.
            unless: Whether not to wait. What changes that calls `wake`.
        """
        lock = _thread.allocate_lock()
        lock.acquire()
        self._locks.append(lock)
        try:
            # On the main thread, a signal handler runs during this.
            if not self._is_done and not unless():
                limit = -1 if seconds is None else min(max(0.0, seconds), threading.TIMEOUT_MAX)
                lock.acquire(timeout=limit)
        finally:
            self._locks.remove(lock)
        return self._is_done


def settle(future: Awaited, result: object = None, error: Exception | None = None) -> None:
    """Gives a future its outcome, unless it has one, or its event loop is closed."""
    if future.done():
        return
    try:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    except RuntimeError:
        pass


def on_a_thread(work: Callable[[], object]) -> bool:
    """Does work that cannot be interrupted on a thread of its own.

    Returns False when the interpreter exits, and there are no new threads.
    """
    with contextlib.suppress(RuntimeError):
        _thread.start_new_thread(work, ())
        return True
    return False


def left_until(end: float | None) -> float | None:
    """The seconds until then, by `time.monotonic`; None where there is no end."""
    return None if end is None else max(0.0, end - time.monotonic())
