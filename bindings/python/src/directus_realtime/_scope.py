"""Subscriptions that end together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from ._core import Core, when_gone
from ._errors import ClosedError
from ._events import Event
from ._options import Key, Query
from ._subscription import Subscription


class ScopeBase:
    """What the scopes of both clients share."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._handle = core.open_scope()
        # The last resort: a scope that nobody holds any more is closed.
        self._finish = when_gone(self, core.close_scope, self._handle)

    @property
    def closed(self) -> bool:
        """Whether it was closed; subscribing in it raises `ClosedError` then."""
        return not self._finish.alive

    def _check_open(self) -> None:
        self._core.check_open()
        if self.closed:
            raise ClosedError("the scope is closed")

    def _close(self) -> None:
        self._finish()


class Scope(ScopeBase):
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
        event: str | Iterable[str] | None = None,
        item: Key | None = None,
        primary_key: str = "id",
        granularity: str = "item",
        snapshot: str = "exact",
    ) -> Subscription:
        """Subscribes, as `Client.subscribe` does, until the scope ends."""
        self._check_open()
        return subscribe(
            self._core,
            self._handle,
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
        )

    def close(self) -> None:
        """Ends its subscriptions but the persistent ones; further calls do nothing.

        When this returns none of their callbacks runs, but for one that it was called in.
        """
        self._close()

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
    core: Core, scope: int | None, collection: str, callback: Any, **options: Any
) -> Subscription:
    """Subscribes with a function for each event."""
    if not callable(callback):
        raise TypeError(f"callback must be callable, not {type(callback).__name__}")
    return Subscription(core, core.subscribe(collection, callback, scope, **options))
