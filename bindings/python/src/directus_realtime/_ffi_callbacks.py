"""The functions that the library calls, for everything except events, which are drained.

They are called inside `drt_client_drain` and `drt_client_close`, where no application
code may run. So they only queue a notice, which is handled after that call has returned.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

from . import _abi
from ._errors import error_for, in_python, status_of
from ._notices import NoticeQueue, Reply, ReplyArrived, StateChanged, TokenWanted
from ._signals import to_the_end
from ._state import STATES, StateChange
from ._user_data import find


class PendingRequest(NamedTuple):
    """The `user_data` of a request. That of a client is its queue."""

    queue: NoticeQueue
    reply: Reply


@to_the_end
def _on_state(_client: Any, state: int, reason: int, message: bytes | None, number: int) -> None:
    queue: NoticeQueue | None = find(number)
    if queue is not None:
        words = in_python((message or b"").decode("utf-8", "replace"))
        error = error_for(reason, words) if reason < 0 else None
        queue.add_notice(StateChanged(StateChange(STATES[state], status_of(reason), words, error)))


@to_the_end
def _on_token(_client: Any, reason: int, number: int) -> None:
    queue: NoticeQueue | None = find(number)
    if queue is not None:
        error = error_for(reason, "the server wants another token") if reason < 0 else None
        queue.add_notice(TokenWanted(error))


@to_the_end
def _on_reply(status: int, json: int | None, length: int, number: int) -> None:
    request: PendingRequest | None = find(number)
    if request is not None:
        text = ctypes.string_at(json, length) if json else b""
        request.queue.add_notice(ReplyArrived(request.reply, status, text))


def _on_event(_event: object, _number: object) -> None:
    raise AssertionError("events are drained")


on_state = _abi.STATE_FN(_on_state)
on_token = _abi.TOKEN_FN(_on_token)
on_reply = _abi.REPLY_FN(_on_reply)
#: Subscribing needs one, though it is never called.
on_event = _abi.EVENT_FN(_on_event)
