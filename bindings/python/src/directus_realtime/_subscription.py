"""The subscriptions that `Client.subscribe` returns."""

from __future__ import annotations

from ._calls import Calls, finished
from ._core import Core
from ._subscription_state import SubscriptionState


class Handler:
    """A subscription, as both clients' `subscribe` returns it.

    It may be dropped: the subscription continues until its scope or client ends.
    """

    __slots__ = ("__weakref__", "_calls", "_core", "_state")

    def __init__(self, core: Core, state: SubscriptionState, calls: Calls) -> None:
        self._core = core
        self._state = state
        self._calls = calls

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handler) and other._state is self._state

    def __hash__(self) -> int:
        return hash(id(self._state))

    def __repr__(self) -> str:
        word = "ended" if self.ended else "persistent" if self.persistent else "live"
        return f"<{type(self).__name__} {self.uid!r} of {self.collection!r}, {word}>"


class Subscription(Handler):
    """A subscription of the synchronous client."""

    __slots__ = ()

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
        self._core.running.refuse_in_callback("wait")
        finished(self._calls.confirmed(self._state, timeout))
