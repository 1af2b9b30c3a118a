"""Subscribing with the synchronous client and its scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._callbacks import Callbacks
from ._changes import ChangesOnly
from ._core import Core
from ._delivery import Delivery
from ._events import Event
from ._subscription import Subscription
from ._subscription_state import ScopeState, SubscriptionState


class Subscriber:
    """Makes subscriptions with a callback."""

    def __init__(self, core: Core, delivery: Delivery) -> None:
        self._core = core
        self._delivery = delivery

    def subscribe(
        self,
        callbacks: Callbacks,
        scope: ScopeState | None,
        collection: str,
        callback: Callable[[Event], object],
        *,
        changes_only: bool,
        **options: Any,
    ) -> Subscription:
        """Subscribes; `callbacks` will own the callback."""
        if not callable(callback):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")
        consume = ChangesOnly(callback) if changes_only else callback
        subscriptions = self._core.subscriptions
        return self.view_of(
            subscriptions.subscribe(collection, consume, callbacks, scope, **options)
        )

    def view_of(self, state: SubscriptionState) -> Subscription:
        """The object for a subscription."""
        return Subscription(self._core, state, self._delivery)
