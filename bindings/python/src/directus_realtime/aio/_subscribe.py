"""Subscribing, for the client and its scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._changes import ChangesOnly
from .._core import when_gone
from .._events import Event
from .._record import Record
from ._core import AioCore
from ._lane import CallbackLane, IteratorLane, Lane
from ._subscription import Subscription

if TYPE_CHECKING:
    from ._client import Client
    from ._scope import Scope

Callback = Callable[[Event], Any]


def subscribe(
    client: Client,
    scope: Scope | None,
    collection: str,
    callback: Callback | None,
    *,
    changes_only: bool,
    **options: Any,
) -> Subscription:
    """Subscribes with a function, a coroutine function, or an iterator."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, not {type(callback).__name__}")
    core = client._core
    # Begins to deliver.
    _ = core.loop
    if callback is None:
        lane: Lane = IteratorLane(core, changes_only)
    else:
        lane = CallbackLane(core, ChangesOnly(callback) if changes_only else callback)
    holder = client._holder if scope is None else scope._owner(options["persistent"])
    inside = None if scope is None else scope._record
    record = core.subscribe(collection, lane.consume, holder, inside, lane=lane, **options)
    return view_of(core, record)


def view_of(core: AioCore, record: Record) -> Subscription:
    """What the application has of a subscription: one object, as long as it holds it."""
    known: Subscription | None = core.views.get(record.number)
    if known is not None:
        return known
    lane: Lane | None = None if record.lane is None else record.lane()
    view = Subscription(core, record, lane)
    core.views[record.number] = view
    if isinstance(lane, IteratorLane) and not record.persistent:
        # Nobody could read its events any more.
        when_gone(view, core.abandon, record)
    return view
