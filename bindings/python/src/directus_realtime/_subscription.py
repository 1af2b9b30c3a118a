"""What `subscribe` returns."""

from __future__ import annotations

import time

from ._abi import lib
from ._core import SLICE_MS, Core
from ._errors import ClosedError, Status, TimeoutError, check
from ._record import Record, refusal_in


class Handler:
    """A subscription, as the seed of both clients' `subscribe`.

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
        return self._record.ended

    def unsubscribe(self) -> bool:
        """Ends it; False when it had ended already.

        When this returns its callback does not run and will not, unless this was
        called in that very callback: then the running one is the last.
        """
        return self._core.unsubscribe(self._record)

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
            TimeoutError: The server has not answered in time.
            WouldDeadlockError: This was called in a callback.
        """
        self._core.refuse_in_callback("wait")
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._record.refusal is not None:
                raise self._record.refusal
            if self._record.ended:
                raise ClosedError(f"the subscription {self.uid!r} has ended")
            left = SLICE_MS if end is None else max(0, round((end - time.monotonic()) * 1000))
            status = lib.drt_subscription_wait(self._record.handle, min(SLICE_MS, left))
            if status == Status.SERVER:
                raise refusal_in(lib.drt_last_error().decode("utf-8", "replace"), self.uid)
            if status != Status.TIMEOUT:
                check(status)
                return
            if left == 0:
                raise TimeoutError(f"the server has not answered the subscription {self.uid!r}")
