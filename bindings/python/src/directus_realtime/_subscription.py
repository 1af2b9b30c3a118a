"""The subscriptions that `Client.subscribe` returns."""

from __future__ import annotations

from ._core import Core
from ._delivery import Delivery
from ._errors import ClosedError, TimeoutError
from ._options import limit
from ._subscription_state import SubscriptionState, afresh


class Handler:
    """A subscription, as both clients' `subscribe` returns it.

    It may be dropped: the subscription continues until its scope or client ends.
    """

    __slots__ = ("__weakref__", "_core", "_state")

    def __init__(self, core: Core, state: SubscriptionState) -> None:
        self._core = core
        self._state = state

    @property
    def uid(self) -> str:
        """Its name, as given, or generated."""
        return self._state.uid

    @property
    def collection(self) -> str:
        """Its collection."""
        return self._state.collection

    @property
    def persistent(self) -> bool:
        """Whether it continues when its scope ends."""
        return self._state.persistent

    @property
    def ended(self) -> bool:
        """Whether it was unsubscribed, refused, or ended with its scope or client."""
        return self._state.is_over

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        When this returns, its callback does not run and will not run again. If it was
        called inside this very callback, the running call is the last.
        """
        return self._core.subscriptions.unsubscribe(self._state)

    def _not_answered(self) -> TimeoutError:
        text = f"the server did not confirm the subscription {self.uid!r} in time"
        return TimeoutError(self._core.link.diagnostics.explain(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handler) and other._state is self._state

    def __hash__(self) -> int:
        return hash(id(self._state))

    def __repr__(self) -> str:
        word = "ended" if self.ended else "persistent" if self.persistent else "live"
        return f"<{type(self).__name__} {self.uid!r} of {self.collection!r}, {word}>"


class Subscription(Handler):
    """A subscription of the synchronous client."""

    __slots__ = ("_delivery",)

    def __init__(self, core: Core, state: SubscriptionState, delivery: Delivery) -> None:
        super().__init__(core, state)
        self._delivery = delivery

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the server has confirmed the subscription.

        Args:
            timeout: How long to wait, in seconds; None for no limit.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended.
            TimeoutError: The server did not answer in time; the message says why the client
                is not connected, if it is not.
            DirectusRealtimeError: The client has failed, and why.
            WouldDeadlockError: This was called in a callback.
        """
        core, state = self._core, self._state
        core.running.refuse_in_callback("wait")

        def look(seconds: float) -> bool:
            if state.refusal is not None:
                raise afresh(state.refusal)
            if state.ended:
                raise ClosedError(f"the subscription {state.uid!r} has ended")
            return core.subscriptions.confirmed(state, seconds)

        if not self._delivery.until(look, limit(timeout, "timeout")):
            raise self._not_answered()
