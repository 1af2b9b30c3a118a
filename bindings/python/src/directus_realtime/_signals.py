"""Ctrl-C, which Python raises between any two instructions of the main thread.

Inside a callback of the library's nobody could catch it: ctypes prints it, and both it
and what the callback had to say are lost. So it, and what handlers of other signals may
raise, is put off until the library's call, which never takes long, is over.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")
Hook = TypeVar("Hook", bound=Callable[..., None])

#: Those whose handlers are known to raise in some programs.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2")
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

#: By handlers of others still.
_raised: list[BaseException] = []


def undisturbed(call: Callable[[], Result]) -> Result:
    """Calls something that calls back, and raises afterwards what has to be raised."""
    if threading.get_ident() != threading.main_thread().ident:
        return call()
    found = [(number, signal.getsignal(number)) for number in _NUMBERS]
    handlers = {number: handler for number, handler in found if callable(handler)}
    put_off: list[tuple[int, FrameType | None]] = []
    try:
        for number in handlers:
            signal.signal(number, lambda number, frame: put_off.append((number, frame)))
        return call()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in put_off:
            try:
                handlers[number](number, frame)
            except BaseException as error:
                _raised.append(error)
        if _raised:
            last = _raised.pop()
            _raised.clear()
            raise last


def to_the_end(hook: Hook) -> Hook:
    """A hook that does its work though a signal's handler raises in it."""

    @functools.wraps(hook)
    def whole(*arguments: Any) -> None:
        try:
            hook(*arguments)
        except Exception:
            raise
        except BaseException as error:
            _raised.append(error)
            hook(*arguments)

    return whole  # type: ignore[return-value]
