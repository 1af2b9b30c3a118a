"""States of a client, and why they were entered."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from ._errors import (
    DirectusRealtimeError,
    InvalidArgumentError,
    Status,
    error_for,
    in_python,
    status_of,
)

StateName = Literal[
    "idle", "connecting", "authenticating", "connected", "backoff", "failed", "closed"
]


class State(str, enum.Enum):
    """The state of a client; it equals its value."""

    #: Not asked to connect yet, or `disconnect` was called.
    IDLE = "idle"
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    #: Authenticated and usable.
    CONNECTED = "connected"
    #: The link was lost, or an attempt failed; the next attempt follows by itself.
    BACKOFF = "backoff"
    #: Another attempt would fail as well; `connect`, `reconnect` and `set_token` leave it.
    FAILED = "failed"
    CLOSED = "closed"

    def __str__(self) -> str:
        return self.value


def state_of(state: State | StateName) -> State:
    """The state of that name."""
    try:
        return State(state)
    except ValueError:
        words = ", ".join(repr(known.value) for known in State)
        raise InvalidArgumentError(f"state must be one of {words}, not {state!r}") from None


#: The states by the library's numbers.
STATES = tuple(State)


@dataclass(frozen=True)
class StateChange:
    """A change of state. `str` gives the state and, where there is a reason, the reason.

    Attributes:
        state: The state that was entered.
        reason: The status that goes with it; `Status.OK` where nothing is wrong.
        message: The reason, and what to do about it.
        error: The same as an exception; None where nothing is wrong.
    """

    state: State
    reason: Status
    message: str
    error: DirectusRealtimeError | None

    def __str__(self) -> str:
        same = self.message in ("", self.state.value)
        return str(self.state) if same else f"{self.state}: {self.message}"


def change_of(number: int, reason: int, message: str) -> StateChange:
    """A change of state as the library reports it."""
    message = in_python(message)
    error = error_for(reason, message) if reason < 0 else None
    return StateChange(STATES[number], status_of(reason), message, error)
