"""Subscriptions that end together."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from .._options import Key, Query
from .._scope import ScopeBase
from ._core import AioCore
from ._subscribe import Callback, subscribe
from ._subscription import Subscription


class Scope(ScopeBase):
    """Ends its subscriptions with its `async with` block, with `close`, or with itself.

    Persistent subscriptions live on. Made by `Client.scope`.
    """

    _core: AioCore

    async def subscribe(
        self,
        collection: str,
        callback: Callback | None = None,
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

    async def close(self) -> None:
        """Ends its subscriptions but the persistent ones; further calls do nothing."""
        self._close()

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
