"""Passes the library's log on to Python's `logging`.

By default these are warnings and errors; `set_log` changes that. With `DRT_LOG` in the
environment the library writes to standard error itself, and nothing is passed on, so
that no line appears twice.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable
from typing import Any

from . import _abi
from ._abi import lib
from ._callbacks import check_callable
from ._errors import check

ENVIRONMENT = "DRT_LOG"
#: The values that the library knows; it ignores others with a warning.
_NAMES = ("off", "error", "warn", "info", "debug", "trace")
#: The levels of `logging` by those of the library, from off to trace.
_LEVELS = (0, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, 5)

_logger = logging.getLogger("directus_realtime")

LogCallback = Callable[[int, str, str], object]


def _to_logging(level: int, target: str, message: str) -> None:
    _logger.getChild(target).log(level, "%s", message)


_callback: LogCallback = _to_logging


def _log(level: int, target: bytes, message: bytes, _: Any) -> None:
    _callback(_LEVELS[level], target.decode(), message.decode("utf-8", "replace"))


_on_log = _abi.LOG_FN(_log)


def set_log(level: int = logging.INFO, callback: LogCallback | None = None) -> None:
    """Sets where the log messages of all clients go. They contain no secrets.

    Without it, warnings and errors go to the logger `directus_realtime`; with
    `DRT_LOG=error|warn|info|debug|trace` in the environment, the library writes to
    standard error instead.

    Args:
        level: A level of `logging`; `logging.CRITICAL` or more turns the log off, 5 logs
            every frame.
        callback: Called with level, target and message, on any thread; None passes them
            to the loggers `directus_realtime.…`.
    """
    if isinstance(level, bool) or not isinstance(level, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"level must be an int, such as logging.INFO, not {type(level).__name__}")
    check_callable(callback, "callback")
    wanted = sum(1 for known in _LEVELS[1:] if known >= level)
    if wanted != 0:
        global _callback
        _callback = callback or _to_logging
    check(lib.drt_set_log(wanted, _on_log if wanted else _abi.LOG_FN(0), None, None))


if os.environ.get(ENVIRONMENT, "").strip().lower() not in _NAMES:
    set_log(logging.WARNING)
# The library's threads may outlive the interpreter, which they must not call then.
atexit.register(set_log, logging.CRITICAL)
