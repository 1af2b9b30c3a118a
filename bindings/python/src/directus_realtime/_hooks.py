"""Where the library calls into Python, but for events, which are drained.

In poll delivery this happens inside `drt_client_drain` and `drt_client_close`. So
nothing runs here: what is to be done is put down, and done when that call is over.
"""

from __future__ import annotations

import ctypes
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import _abi
from ._errors import error_for, in_python, status_of
from ._registry import find
from ._signals import to_the_end
from ._state import STATES, StateChange

if TYPE_CHECKING:
    from ._core import Core


class Reply(ABC):
    """An answer that is waited for."""

    def __init__(self, core: Core) -> None:
        self.core: Core = core

    @abstractmethod
    def arrive(self, status: int, text: bytes) -> None:
        """The answer, or what came in its stead. May be told twice."""


def _text(text: bytes | None) -> str:
    return in_python((text or b"").decode("utf-8", "replace"))


@to_the_end
def _on_state(_client: Any, state: int, reason: int, message: bytes | None, number: int) -> None:
    """A client's state has changed."""
    core: Core | None = find(number)
    if core is not None:
        words = _text(message)
        error = error_for(reason, words) if reason < 0 else None
        change = StateChange(STATES[state], status_of(reason), words, error)
        core.later(core.state_changed, change)


@to_the_end
def _on_token(_client: Any, reason: int, number: int) -> None:
    """A client wants a fresh token."""
    core: Core | None = find(number)
    if core is not None:
        error = error_for(reason, "the server wants another token") if reason < 0 else None
        core.later(core.token_wanted, error)


@to_the_end
def _on_reply(status: int, json: int | None, length: int, number: int) -> None:
    """A request is answered."""
    reply: Reply | None = find(number)
    if reply is not None:
        text = ctypes.string_at(json, length) if json else b""
        reply.core.later(reply.arrive, status, text, may_repeat=True)


on_state = _abi.STATE_FN(_on_state)
on_token = _abi.TOKEN_FN(_on_token)
on_reply = _abi.REPLY_FN(_on_reply)
