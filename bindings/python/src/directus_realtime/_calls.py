"""Calls that wait: for states, answers to subscriptions, and replies.

They are written once, as generators of what they wait for. `Delivery` runs them for the
synchronous client, and `LoopWaiting` for the asyncio client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from ._abi import lib
from ._core import Core
from ._errors import (
    ClosedError,
    DirectusRealtimeError,
    NotConnectedError,
    ServerError,
    TimeoutError,
    check,
    error_for,
)
from ._future import Awaited
from ._json import dump
from ._options import limit, milliseconds
from ._state import State, StateName, state_of
from ._subscription_state import SubscriptionState, afresh, refusal_of

#: For a reply, where the application gives no timeout.
_REQUEST_SECONDS = 30.0
#: For its way from the library to the call that waits, which callbacks may hold up.
_DELIVERY_SECONDS = 2.0

Result = TypeVar("Result")


class Wait(NamedTuple):
    """A step of a call: it goes on with whether the future has its outcome in time."""

    #: What delivery gives its outcome.
    future: Awaited
    #: The end of the wait, by `time.monotonic`; None for none.
    end: float | None
    #: Waits for the same in the library; see `Link.watch`. None where only delivery brings it.
    in_library: Callable[[int], int] | None = None
    #: It is a reply, which may be queued behind many events.
    is_reply: bool = False


#: A call, which waits between its steps.
Steps = Generator[Wait, bool, Result]


class Waiting(Protocol):
    """How a client waits: a thread blocks, or a coroutine awaits."""

    #: What to do about a reply that a callback holds up.
    advice: str
    #: What is known of a subscription is what was delivered.
    goes_by_rows: bool

    def future(self) -> Awaited:
        """Something to wait for."""
        ...


class Calls:
    """The calls of one client that wait."""

    def __init__(self, core: Core, waiting: Waiting) -> None:
        self._handle = core.handle
        self._incoming = core.incoming
        self._link = core.link
        self._states = core.states
        self._subscriptions = core.subscriptions
        self._waiting = waiting

    # States

    def wait(self, state: State | StateName, timeout: float | None) -> Steps[None]:
        """Connects if need be, and waits until a state is entered."""
        wanted, seconds = state_of(state), limit(timeout, "timeout")
        if wanted is State.CONNECTED and self._link.state() is State.IDLE:
            self._link.connect()
        if not (yield from self._entered(wanted, _end(seconds))):
            raise self._states.not_entered(wanted, seconds)

    def _entered(
        self, wanted: State, end: float | None, *, needs_link: bool = False
    ) -> Steps[bool]:
        link, waiters, links = self._link, self._states.waiters, self._states.link_waiters

        def in_library(ms: int) -> int:
            return link.wait(wanted, ms)

        future = self._waiting.future()
        waiters[future] = wanted
        if needs_link:
            links.add(future)
        try:
            if link.has_happened(in_library):
                return True
            if (yield Wait(future, end, in_library)):
                future.result()
                return True
            return link.has_happened(in_library)
        finally:
            links.discard(future)
            del waiters[future]

    def ended(self) -> Steps[None]:
        """Waits until the client has failed or is closed; raises the reason where it has
        failed."""
        future = self._waiting.future()
        self._states.end_waiters.add(future)
        try:
            self._states.raise_failure()
            if not self._states.is_closed:
                yield Wait(future, None)
        finally:
            self._states.end_waiters.discard(future)
        self._states.raise_failure()

    # Subscriptions

    def confirmed(self, state: SubscriptionState, timeout: float | None) -> Steps[None]:
        """Waits until the server has confirmed a subscription; raises its refusal."""
        seconds = limit(timeout, "timeout")
        if not state.is_over and not (yield from self._answered(state, _end(seconds))):
            text = f"the server did not confirm the subscription {state.uid!r} in time"
            raise TimeoutError(self._states.explain(text))
        if state.refusal is not None:
            raise afresh(state.refusal)
        if state.is_over:
            raise ClosedError(f"the subscription {state.uid!r} has ended")

    def _answered(self, state: SubscriptionState, end: float | None) -> Steps[bool]:
        link = self._link

        def in_library(ms: int) -> int:
            status: int = lib.drt_subscription_wait(state.handle, ms)
            return status

        future = self._waiting.future()
        state.waiters.add(future)
        self._states.waiters[future] = None
        try:
            if not self._waiting.goes_by_rows or link.state() is State.FAILED:
                if link.has_happened(in_library):
                    return True
            elif state.answered:
                return True
            if (yield Wait(future, end, in_library)):
                future.result()
                return True
            return False
        except ServerError as error:
            if link.state() is State.FAILED:
                raise
            self._subscriptions.refused(state, refusal_of(state.uid, error.error))
            return True
        except ClosedError:
            # `confirmed` says whether it is the subscription that has ended.
            if not state.is_over:
                raise
            return True
        finally:
            del self._states.waiters[future]
            state.waiters.discard(future)

    # Requests

    def request(
        self, message: Mapping[str, Any], timeout: float | None, *, connect: bool = False
    ) -> Steps[dict[str, Any]]:
        """Sends a message and waits for the reply.

        Without `connect` it is sent over the link that there is; with it, as soon as there
        is one.
        """
        seconds = _REQUEST_SECONDS if timeout is None else timeout
        milliseconds(seconds, "timeout")
        text, end = dump(message, "message"), time.monotonic() + seconds
        while True:
            try:
                future = self._send(text, max(0.001, end - time.monotonic()))
                break
            except NotConnectedError:
                # Nothing was sent.
                if not connect or time.monotonic() >= end:
                    raise
            yield from self._wait_for_link(seconds, end)
        if not (yield Wait(future, end + _DELIVERY_SECONDS, is_reply=True)):
            raise TimeoutError(
                "the reply was not delivered, because a callback has not returned: "
                + self._waiting.advice
            )
        return _answer_of(future.result())

    def _wait_for_link(self, seconds: float, end: float) -> Steps[None]:
        link = self._link
        unwanted = link.unwanted()
        if unwanted is not None:
            raise unwanted
        if link.state() is State.IDLE:
            link.connect()
        if not link.is_connected() and not (
            yield from self._entered(State.CONNECTED, end, needs_link=True)
        ):
            raise self._states.not_entered(State.CONNECTED, seconds)

    def _send(self, text: bytes, seconds: float) -> Awaited:
        future = self._waiting.future()
        number = self._incoming.register(future)
        try:
            ms = milliseconds(seconds, "timeout")
            check(lib.drt_request(self._handle, text, ms, None, number, None))
        except DirectusRealtimeError:
            self._incoming.forget(number)
            raise
        return future


def _end(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _answer_of(reply: bytes) -> dict[str, Any]:
    """The server's message; raises where there is none, or it is an error.

    Args:
        reply: The row: in the end the status, the message or error object, and the
            library's sentence.
    """
    *_, status, answer, sentence = json.loads(reply)
    if status >= 0:
        return dict(answer or {})
    if isinstance(answer, dict):
        raise ServerError(sentence, answer)
    raise error_for(status, sentence)
