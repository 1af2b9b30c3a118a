"""Subscriptions that end together."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._base_client import BaseClient
from ._callbacks import Callbacks
from ._errors import ClosedError
from ._live import Live, LiveOpening, OnChange
from ._running import when_gone
from ._subscription import Callback, Subscribing, Subscription
from ._subscription_state import ScopeState


class ScopeBase:
    """The common part of both clients' scopes."""

    def __init__(self, client: BaseClient, drop: Callable[[ScopeState], None]) -> None:
        #: A scope keeps its client open, and owns its subscriptions' callbacks.
        self._client = client
        self._callbacks = Callbacks()
        self._state = client._core.subscriptions.open_scope()
        # For a scope that was dropped without being closed.
        self._finalizer = when_gone(self, drop, self._state)

    @property
    def closed(self) -> bool:
        """Whether it was closed; subscribing in it raises `ClosedError` then."""
        return self._state.closed or self._client.closed

    def _check_open(self) -> None:
        self._client._core.lifecycle.check_open()
        if self._state.closed:
            raise ClosedError("the scope is closed")

    def _owner(self, persistent: bool) -> Callbacks:
        return self._client._callbacks if persistent else self._callbacks

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'closed' if self.closed else 'open'}>"


class Scope(Subscribing, LiveOpening, ScopeBase):
    """Ends its subscriptions with its `with` block, with `close`, or when it is garbage.

    Persistent subscriptions continue. Made by `Client.scope`.
    """

    def __init__(
        self,
        client: BaseClient,
        make: Callable[..., Subscription],
        make_live: Callable[..., Live[Any]],
    ) -> None:
        super().__init__(client, client._core.subscriptions.drop_scope)
        self._make = make
        self._make_live = make_live

    def _subscribe(self, collection: str, callback: Callback, **options: Any) -> Subscription:
        self._check_open()
        owner = self._owner(options["persistent"])
        return self._make(owner, self._state, collection, callback, **options)

    def _open_live(
        self, collection: str, on_change: OnChange[Any] | None, **options: Any
    ) -> Live[Any]:
        self._check_open()
        owner = self._owner(options["persistent"])
        return self._make_live(owner, self._state, collection, on_change, **options)

    def close(self) -> None:
        """Ends its subscriptions, except persistent ones; further calls do nothing.

        When this returns, none of their callbacks runs, except one that it was called in.
        """
        if self._finalizer.detach() is not None:
            self._client._core.subscriptions.close_scope(self._state)

    def __enter__(self) -> Scope:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
