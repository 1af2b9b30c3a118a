"""States of a client, and why they were entered."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from ._errors import DirectusRealtimeError, InvalidArgumentError, Status

StateName = Literal[
    "idle", "connecting", "authenticating", "connected", "backoff", "failed", "closed"
]


class State(str, enum.Enum):
    """A client's state; equal to the word that is its value."""

    #: Nothing is wanted of it yet, or `disconnect` was called.
    IDLE = "idle"
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    #: Authenticated and usable.
    CONNECTED = "connected"
    #: The link was lost or could not be had; the next attempt follows by itself.
    BACKOFF = "backoff"
    #: Trying again cannot help; `connect`, `reconnect` and `set_token` leave it.
    FAILED = "failed"
    CLOSED = "closed"

    def __str__(self) -> str:
        return self.value


def state_of(state: State | StateName) -> State:
    """A state by its word."""
    try:
        return State(state)
    except ValueError:
        words = ", ".join(repr(known.value) for known in State)
        raise InvalidArgumentError(f"state must be one of {words}, not {state!r}") from None


#: By the numbers of `drt_state`.
STATES = tuple(State)


@dataclass(frozen=True)
class StateChange:
    """A change of state. As a text it is the state and, where there is more to say, why.

    Attributes:
        state: The state that was entered.
        reason: The library's code for why; `Status.OK` where nothing is wrong.
        message: Why, in words that a person can act on.
        error: The same as an exception; None where nothing is wrong.
    """

    state: State
    reason: Status
    message: str
    error: DirectusRealtimeError | None

    def __str__(self) -> str:
        same = self.message in ("", self.state.value)
        return str(self.state) if same else f"{self.state}: {self.message}"
