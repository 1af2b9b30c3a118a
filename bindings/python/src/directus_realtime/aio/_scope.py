"""Subscriptions that end together."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .._base_client import BaseClient
from .._scope import ScopeBase
from ._live import Live, LiveOpener, LiveOpening, OnChange
from ._subscription import Callback, Subscriber, Subscribing, Subscription, callbacks_ended


class Scope(Subscribing, LiveOpening, ScopeBase):
    """Ends its subscriptions with its `async with` block, with `close`, or when it is garbage.

    Persistent subscriptions continue. Made by `Client.scope`.
    """

    def __init__(self, client: BaseClient, subscriber: Subscriber, opener: LiveOpener) -> None:
        super().__init__(client, subscriber.drop_scope)
        self._subscriber = subscriber
        self._opener = opener

    def _subscribe(
        self, collection: str, callback: Callback[Any] | None, **options: Any
    ) -> Subscription[Any]:
        self._check_open()
        owner = self._owner(options["persistent"])
        return self._subscriber.subscribe(owner, self._state, collection, callback, **options)

    def _open_live(
        self, collection: str, on_change: OnChange[Any] | None, **options: Any
    ) -> Live[Any]:
        self._check_open()
        owner = self._owner(options["persistent"])
        return self._opener.open(owner, self._state, collection, on_change, **options)

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
