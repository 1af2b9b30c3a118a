"""Subscriptions that end together."""

from __future__ import annotations

from types import TracebackType

from .._base_client import BaseClient
from .._options import Events, Granularity, Key, Snapshot
from .._query import Query
from .._scope import ScopeBase
from ._subscriber import Callback, Subscriber, callbacks_ended
from ._subscription import Subscription


class Scope(ScopeBase):
    """Ends its subscriptions with its `async with` block, with `close`, or when it is garbage.

    Persistent subscriptions continue. Made by `Client.scope`.
    """

    def __init__(self, client: BaseClient, subscriber: Subscriber) -> None:
        super().__init__(client, subscriber.drop_scope)
        self._subscriber = subscriber

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
        return self._subscriber.subscribe(
            self._owner(persistent),
            self._state,
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
        """Ends its subscriptions, except persistent ones; further calls do nothing.

        Callbacks that are coroutines are cancelled, and have ended when this returns,
        except one that it was called in.
        """
        if self._finalizer.detach() is None:
            return
        consumers = self._subscriber.consumers(self._state)
        self._client._core.subscriptions.close_scope(self._state)
        await callbacks_ended(consumers)

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
