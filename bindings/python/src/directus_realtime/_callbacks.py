"""The application's callbacks, and the object that owns them.

A client and each of its scopes own theirs, and everything that delivers refers to them
weakly. So an object that holds a scope, and whose methods are the callbacks in it, is
garbage once nothing else refers to it, and the scope ends with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from ._errors import DirectusRealtimeError
from ._state import StateChange

OnState = Callable[[StateChange], object]
OnToken = Callable[[Union[DirectusRealtimeError, None]], object]
OnError = Callable[[BaseException], object]


class Callbacks:
    """The callbacks of a client or a scope."""

    __slots__ = ("__weakref__", "by_subscription", "on_error", "on_state", "on_token")

    def __init__(self) -> None:
        #: By the `user_data` number of the subscription.
        self.by_subscription: dict[int, Callable[[Any], Any]] = {}
        self.on_state: OnState | None = None
        self.on_token: OnToken | None = None
        self.on_error: OnError | None = None


def check_callable(callback: object, name: str) -> None:
    """Raises `TypeError` for what is neither callable nor None."""
    if callback is not None and not callable(callback):
        raise TypeError(f"{name} must be callable or None, not {type(callback).__name__}")
