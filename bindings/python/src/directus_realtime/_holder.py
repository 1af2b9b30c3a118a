"""Who owns the application's callbacks.

A client and each of its scopes own theirs; whatever delivers refers to them weakly. So
an object that holds a scope and has its own methods called by it is garbage once nobody
else refers to it, and the scope ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Union

from ._errors import DirectusRealtimeError

if TYPE_CHECKING:
    from ._state import StateChange

OnState = Callable[["StateChange"], object]
OnToken = Callable[[Union[DirectusRealtimeError, None]], object]
OnError = Callable[[BaseException], object]


class Holder:
    """See the module."""

    __slots__ = ("__weakref__", "callbacks", "on_error", "on_state", "on_token")

    def __init__(self) -> None:
        #: By the numbers of their subscriptions.
        self.callbacks: dict[int, Callable[[Any], Any]] = {}
        self.on_state: OnState | None = None
        self.on_token: OnToken | None = None
        self.on_error: OnError | None = None


def check_callable(callback: object, name: str) -> None:
    """Refuses what cannot be called, while it can be seen who gave it."""
    if callback is not None and not callable(callback):
        raise TypeError(f"{name} must be callable or None, not {type(callback).__name__}")
