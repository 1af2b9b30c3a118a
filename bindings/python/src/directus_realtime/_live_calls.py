"""Calls that wait for a live collection."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ._abi import lib
from ._calls import Steps, Wait, Waiting, _answer_of, _end
from ._core import Core
from ._errors import ClosedError, DirectusRealtimeError, TimeoutError, check
from ._live_state import LiveState, LiveStatus
from ._options import limit, milliseconds
from ._state import State
from ._subscription_state import afresh

#: For a verification, where the application gives no timeout.
_VERIFY_SECONDS = 30.0
#: For its reply, on its way from the library.
_DELIVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Verification:
    """What the comparison of a live collection with the server's answer has found.

    Attributes:
        equal: Whether the rows were the server's, in its order.
        rows: How many rows there are now.
        added: Rows that were missing.
        modified: Rows that were another one, or at another place.
        removed: Rows that the server does not have.
    """

    equal: bool
    rows: int
    added: int = 0
    modified: int = 0
    removed: int = 0


class LiveCalls:
    """The calls of one client that wait for its live collections."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._incoming = core.incoming
        self._lifecycle = core.lifecycle
        self._link = core.link
        self._states = core.states
        self._waiting = waiting

    def current(self, state: LiveState, timeout: float | None) -> Steps[None]:
        """Waits until the rows are the server's; raises why they never will be."""
        seconds = limit(timeout, "timeout")
        self._lifecycle.check_process()
        end = _end(seconds)
        while state.status is not LiveStatus.CURRENT or state.is_over:
            if state.refusal is not None:
                raise afresh(state.refusal)
            if state.is_over:
                raise ClosedError(f"the live collection {state.uid!r} has ended")
            if not (yield from self._next_status(state, end)):
                text = f"the live collection {state.uid!r} is not current in time"
                raise TimeoutError(self._states.explain(text))

    def _next_status(self, state: LiveState, end: float | None) -> Steps[bool]:
        future = self._waiting.future()
        state.waiters.add(future)
        self._states.waiters[future] = None
        try:
            if self._link.state() is State.FAILED:
                # It raises the reason.
                self._link.has_happened(lambda ms: int(lib.drt_live_wait(state.handle, ms)))
            # What the library knows is not enough: the rows have to be delivered. They are
            # waited for as a reply is, which no callback may hold up.
            if (yield Wait(future, end, is_reply=True)):
                future.result()
                return True
            return False
        except ClosedError:
            # `current` says whether it is the live collection that has ended.
            if not state.is_over:
                raise
            return True
        finally:
            del self._states.waiters[future]
            state.waiters.discard(future)

    def verified(self, state: LiveState, timeout: float | None) -> Steps[Verification]:
        """Compares the rows with the server's answer, and repairs them."""
        seconds = _VERIFY_SECONDS if timeout is None else timeout
        ms = milliseconds(seconds, "timeout")
        if state.refusal is not None:
            raise afresh(state.refusal)
        if state.is_over:
            raise ClosedError(f"the live collection {state.uid!r} has ended")
        future = self._waiting.future()
        number = self._incoming.register(future)
        try:
            check(lib.drt_live_verify(state.handle, ms, None, number, None))
        except DirectusRealtimeError:
            self._incoming.forget(number)
            raise
        end = time.monotonic() + seconds + _DELIVERY_SECONDS
        if not (yield Wait(future, end, is_reply=True)):
            raise TimeoutError(
                "the reply was not delivered, because a callback has not returned: "
                + self._waiting.advice
            )
        return Verification(**_answer_of(future.result()))
