"""Ctrl-C and other signals, whose handlers may raise between any two instructions.

Inside a function that the library calls such an exception would be lost, and with it
what that function was called for: ctypes prints it and goes on. So signals are deferred
until the library's call, which never takes long, has returned.
"""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., None])

#: Signals whose handlers raise in some programs.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2")
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

#: Exceptions of handlers that could not be deferred, or that ran late.
_raised: list[BaseException] = []


def undisturbed(call: Callable[[], Result]) -> Result:
    """Calls the library, and afterwards runs the handlers of signals that came during it."""
    if threading.get_ident() != threading.main_thread().ident:
        return call()
    found = [(number, signal.getsignal(number)) for number in _NUMBERS]
    handlers = {number: handler for number, handler in found if callable(handler)}
    deferred: list[tuple[int, FrameType | None]] = []
    try:
        for number in handlers:
            signal.signal(number, lambda number, frame: deferred.append((number, frame)))
        return call()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number, frame in deferred:
            try:
                handlers[number](number, frame)
            except BaseException as error:
                _raised.append(error)
        if _raised:
            last = _raised.pop()
            _raised.clear()
            raise last


def to_the_end(function: Function) -> Function:
    """Makes a function that the library calls do its work though a handler raises in it."""

    @functools.wraps(function)
    def whole(*arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:
            raise
        except BaseException as error:
            _raised.append(error)
            function(*arguments)

    return whole  # type: ignore[return-value]
