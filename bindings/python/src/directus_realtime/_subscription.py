"""What `subscribe` returns."""

from __future__ import annotations

from ._core import Core
from ._errors import ClosedError, TimeoutError
from ._options import limit
from ._record import Record


class Handler:
    """A subscription, as both clients' `subscribe` returns it.

    It may be dropped: the subscription lives on, until its scope or its client ends.
    """

    __slots__ = ("__weakref__", "_core", "_record")

    def __init__(self, core: Core, record: Record) -> None:
        self._core = core
        self._record = record

    @property
    def uid(self) -> str:
        """Its name, given or generated."""
        return self._record.uid

    @property
    def collection(self) -> str:
        """The collection that it watches."""
        return self._record.collection

    @property
    def persistent(self) -> bool:
        """Whether it outlives its scope."""
        return self._record.persistent

    @property
    def ended(self) -> bool:
        """Whether it was unsubscribed, refused, or ended with its scope or client."""
        return self._record.is_over

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        When this returns its callback does not run and will not, unless this was
        called in that very callback: then the running one is the last.
        """
        return self._core.unsubscribe(self._record)

    def _not_answered(self) -> TimeoutError:
        text = f"the server has not answered the subscription {self.uid!r}"
        return TimeoutError(self._core.diagnostics.explain(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handler) and other._record is self._record

    def __hash__(self) -> int:
        return hash(id(self._record))

    def __repr__(self) -> str:
        word = "ended" if self.ended else "persistent" if self.persistent else "live"
        return f"<{type(self).__name__} {self.uid!r} of {self.collection!r}, {word}>"


class Subscription(Handler):
    """A subscription of the synchronous client."""

    __slots__ = ()

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the server has confirmed the subscription.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            ServerError: The server has refused it.
            ClosedError: It has ended otherwise.
            TimeoutError: The server has not answered in time; the message says why the
                client is not connected, where it is not.
            DirectusRealtimeError: The client has failed; this is why.
            WouldDeadlockError: This was called in a callback.
        """
        core, record = self._core, self._record
        core.refuse_in_callback("wait")

        def look(seconds: float) -> bool:
            if record.refusal is not None:
                raise record.refusal
            if record.ended:
                raise ClosedError(f"the subscription {record.uid!r} has ended")
            return core.confirmed(record, seconds)

        if not core.until(look, limit(timeout, "timeout")):
            raise self._not_answered()
