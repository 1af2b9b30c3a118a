"""Subscriptions that end together."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .._base_client import BaseClient
from .._scope import ScopeBase
from ._subscription import Callback, Subscriber, Subscribing, Subscription, callbacks_ended


class Scope(Subscribing, ScopeBase):
    """Ends its subscriptions with its `async with` block, with `close`, or when it is garbage.

    Persistent subscriptions continue. Made by `Client.scope`.
    """

    def __init__(self, client: BaseClient, subscriber: Subscriber) -> None:
        super().__init__(client, subscriber.drop_scope)
        self._subscriber = subscriber

    def _subscribe(
        self, collection: str, callback: Callback | None, **options: Any
    ) -> Subscription:
        self._check_open()
        owner = self._owner(options["persistent"])
        return self._subscriber.subscribe(owner, self._state, collection, callback, **options)

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
