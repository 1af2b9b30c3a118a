"""Subscriptions that end together."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._changes import ChangesOnly
from ._core import when_gone
from ._errors import ClosedError
from ._events import Event
from ._holder import Holder
from ._options import Events, Granularity, Key, Snapshot
from ._query import Query
from ._subscription import Subscription

if TYPE_CHECKING:
    from ._client import Client
    from ._surface import Surface

ClientType = TypeVar("ClientType", bound="Surface[Any]")


class ScopeBase(Generic[ClientType]):
    """What the scopes of both clients share."""

    def __init__(self, client: ClientType) -> None:
        #: A scope holds its client, and its subscriptions' callbacks.
        self._client = client
        self._holder = Holder()
        self._record = client._core.open_scope()
        # The last resort: a scope that nobody holds any more is closed.
        self._finish = when_gone(self, client._core.drop_scope, self._record)

    @property
    def closed(self) -> bool:
        """Whether it was closed; subscribing in it raises `ClosedError` then."""
        return self._record.closed or self._client.closed

    def _check_open(self) -> None:
        self._client._core.check_open()
        if self._record.closed:
            raise ClosedError("the scope is closed")

    def _owner(self, persistent: bool) -> Holder:
        return self._client._holder if persistent else self._holder

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'closed' if self.closed else 'open'}>"


class Scope(ScopeBase["Client"]):
    """Ends its subscriptions with its `with` block, with `close`, or with itself.

    Persistent subscriptions live on. Made by `Client.scope`.
    """

    def subscribe(
        self,
        collection: str,
        callback: Callable[[Event], object],
        *,
        query: Query | None = None,
        uid: str | None = None,
        persistent: bool = False,
        event: Events | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: Granularity = "item",
        snapshot: Snapshot = "exact",
        changes_only: bool = False,
    ) -> Subscription:
        """Subscribes, as `Client.subscribe` does, until the scope ends."""
        self._check_open()
        return subscribe(
            self._client,
            self,
            collection,
            callback,
            query=query,
            uid=uid,
            persistent=persistent,
            event=event,
            item=item,
            primary_key=primary_key,
            granularity=granularity,
            snapshot=snapshot,
            changes_only=changes_only,
        )

    def close(self) -> None:
        """Ends its subscriptions but the persistent ones; further calls do nothing.

        When this returns none of their callbacks runs, but for one that it was called in.
        """
        if self._finish.detach() is not None:
            self._client._core.close_scope(self._record)

    def __enter__(self) -> Scope:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def subscribe(
    client: Client,
    scope: Scope | None,
    collection: str,
    callback: Any,
    *,
    changes_only: bool,
    **options: Any,
) -> Subscription:
    """Subscribes with a function for each event."""
    if not callable(callback):
        raise TypeError(f"callback must be callable, not {type(callback).__name__}")
    holder = client._holder if scope is None else scope._owner(options["persistent"])
    inside = None if scope is None else scope._record
    consume = ChangesOnly(callback) if changes_only else callback
    record = client._core.subscribe(collection, consume, holder, inside, **options)
    return Subscription(client._core, record)
