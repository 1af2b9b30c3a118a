"""Subscribing, for the client and its scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from .._core import when_gone
from .._events import Event
from .._record import Record
from ._core import AioCore
from ._lane import CallbackLane, IteratorLane, Lane
from ._subscription import Subscription

Callback = Callable[[Event], Any]
#: What `subscribe` makes of a callback.
AnyLane = Union[CallbackLane, IteratorLane]


def subscribe(
    core: AioCore, scope: int | None, collection: str, callback: Callback | None, **options: Any
) -> Subscription:
    """Subscribes with a function, a coroutine function, or an iterator."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, not {type(callback).__name__}")
    # Begins to deliver.
    assert core.loop
    lane: Lane = IteratorLane(core) if callback is None else CallbackLane(core, callback)
    record = core.subscribe(collection, lane.consume, scope, **options)
    if record.lane is None:
        record.lane = lane
    return view_of(core, record)


def view_of(core: AioCore, record: Record) -> Subscription:
    """What the application has of a subscription: one object, as long as it holds it."""
    known: Subscription | None = core.views.get(record.number)
    if known is not None:
        return known
    view = Subscription(core, record)
    core.views[record.number] = view
    if isinstance(record.lane, IteratorLane):
        # Nobody could read its events any more.
        when_gone(view, core.abandon, record)
    return view
