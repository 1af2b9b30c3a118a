"""Subscriptions that end together."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from .._options import Events, Granularity, Key, Snapshot
from .._query import Query
from .._scope import ScopeBase
from ._subscribe import Callback, subscribe
from ._subscription import Subscription

if TYPE_CHECKING:
    from ._client import Client


class Scope(ScopeBase["Client"]):
    """Ends its subscriptions with its `async with` block, with `close`, or with itself.

    Persistent subscriptions live on. Made by `Client.scope`.
    """

    _client: Client

    async def subscribe(
        self,
        collection: str,
        callback: Callback | None = None,
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

    async def close(self) -> None:
        """Ends its subscriptions but the persistent ones; further calls do nothing.

        Callbacks that are coroutines are cancelled, and have ended when this returns,
        but for one that it was called in.
        """
        core = self._client._core
        if self._finish.detach() is None:
            return
        inside = [record for record in core.records() if record.scope is self._record]
        lanes = core.lanes(inside)
        core.close_scope(self._record)
        await core.ended(lanes)

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
