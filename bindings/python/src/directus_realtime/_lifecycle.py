"""Whether a client can still be used, and what happens when it is garbage."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._errors import ClosedError, ForkedError

if TYPE_CHECKING:
    Finalizer = weakref.finalize[Any, Any]


class Lifecycle:
    """One for each client, shared by all of its parts."""

    __slots__ = ("closed", "forked")

    def __init__(self) -> None:
        #: `close` has begun: no event is delivered any more.
        self.closed: bool = False
        #: This process is a forked child of the one that made the client.
        self.forked: bool = False

    def check_process(self) -> None:
        """Raises `ForkedError` in a forked child."""
        if self.forked:
            raise ForkedError("the client belongs to the parent process: make a new one after fork")

    def check_open(self) -> None:
        """Raises `ClosedError` once the client is closed."""
        self.check_process()
        if self.closed:
            raise ClosedError("the client is closed")


def when_gone(thing: object, function: Callable[..., object], *arguments: Any) -> Finalizer:
    """Calls a function once an object has been garbage-collected.

    Not when the interpreter exits: clients are closed then in an order of their own.
    """
    finalizer = weakref.finalize(thing, function, *arguments)
    finalizer.atexit = False  # type: ignore[misc]
    return finalizer
