"""What the library reports besides events."""

from __future__ import annotations

from typing import NamedTuple, Protocol, Union

from ._errors import DirectusRealtimeError
from ._state import StateChange


class Reply(Protocol):
    """A call that waits for the reply to its request."""

    def arrive(self, status: int, text: bytes) -> None:
        """The reply, or the reason why there is none. May be called twice."""


class StateChanged(NamedTuple):
    """The client has entered a state."""

    change: StateChange


class TokenWanted(NamedTuple):
    """The library needs an access token."""

    #: Why the last one does not do; None where there was none.
    error: DirectusRealtimeError | None


class ReplyArrived(NamedTuple):
    """A request has ended."""

    reply: Reply
    status: int
    text: bytes


Notice = Union[StateChanged, TokenWanted, ReplyArrived]


class NoticeQueue(Protocol):
    """Keeps notices until they can be handled."""

    def add_notice(self, notice: Notice) -> None:
        """Appends a notice."""
