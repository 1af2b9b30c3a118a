"""Calls callbacks, and reports the exceptions that leave them."""

from __future__ import annotations

import contextlib
import sys
import traceback
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from ._callbacks import Callbacks


class CallbackRunner(Protocol):
    """How a client calls callbacks: at once, or, with asyncio, perhaps as a task."""

    def run(
        self,
        callback: Callable[..., object],
        *arguments: Any,
        then: Callable[[Any], None] | None = None,
        finally_: Callable[[], None] | None = None,
    ) -> None:
        """Calls a callback, and reports what it raises.

        Args:
            callback: The application's function.
            arguments: What it is called with.
            then: Called with what it returns; what this raises is reported as well.
            finally_: Called in the end, however that came.
        """

    def passes(self, error: BaseException) -> bool:
        """Whether an exception leaves the call that delivers, instead of being reported."""
        ...

    def report(self, error: BaseException, callback: object) -> None:
        """Reports an exception that has left a callback."""


class DirectRunner:
    """The runner of the synchronous client."""

    def __init__(self, callbacks: weakref.ref[Callbacks], *, threaded: bool) -> None:
        self._callbacks = callbacks
        self._threaded = threaded

    def run(
        self,
        callback: Callable[..., object],
        *arguments: Any,
        then: Callable[[Any], None] | None = None,
        finally_: Callable[[], None] | None = None,
    ) -> None:
        """See `CallbackRunner`."""
        try:
            result = callback(*arguments)
            if then is not None:
                then(result)
        except BaseException as error:
            if self.passes(error):
                raise
            self.report(error, callback)
        finally:
            if finally_ is not None:
                finally_()

    def passes(self, error: BaseException) -> bool:
        """Exceptions that end a program, such as `KeyboardInterrupt`, pass, except on the
        client's own thread."""
        return not self._threaded and not isinstance(error, (Exception, GeneratorExit))

    def report(self, error: BaseException, callback: object) -> None:
        """Calls `on_error`; `sys.unraisablehook` where there is none, or where it fails."""
        callbacks = self._callbacks()
        on_error = None if callbacks is None else callbacks.on_error
        if on_error is None:
            return report_unraisable(error, callback)
        try:
            on_error(error)
        except BaseException as second:
            report_unraisable(error, callback)
            if self.passes(second):
                raise
            report_unraisable(second, on_error)


class Unraisable(NamedTuple):
    """The argument of `sys.unraisablehook`: Python's own class cannot be instantiated."""

    exc_type: type[BaseException]
    exc_value: BaseException
    exc_traceback: TracebackType | None
    err_msg: str | None
    object: object


def report_unraisable(error: BaseException, callback: object) -> None:
    """Hands an exception to `sys.unraisablehook`, as Python does for callbacks from C."""
    details = Unraisable(type(error), error, error.__traceback__, "Exception ignored in", callback)
    hook: Callable[[Any], object] = sys.unraisablehook
    with contextlib.suppress(Exception):
        if hook is not sys.__unraisablehook__:
            hook(details)
        elif sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]
            # The default hook accepts no other class. This is what it would print.
            print(f"{details.err_msg}: {callback!r}", file=sys.stderr)
            traceback.print_exception(details.exc_type, error, details.exc_traceback)
