"""What an answer to a request means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._errors import DirectusRealtimeError, ServerError, Status, error_for

if TYPE_CHECKING:
    from ._diagnostics import Diagnostics

_SENTENCES = {
    Status.TIMEOUT: "the server has not answered in time",
    Status.NOT_CONNECTED: "the link was lost before the server answered: whether it did as"
    " asked is not known",
    Status.CLOSED: "the client was closed before the server answered",
}


def answer_of(status: int, text: bytes, diagnostics: Diagnostics) -> dict[str, Any]:
    """The server's message; raises where there is none, or it is an error."""
    if status >= 0:
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer
    raise failure_of(status, text, diagnostics)


def failure_of(status: int, text: bytes, diagnostics: Diagnostics) -> DirectusRealtimeError:
    """The exception for a failed request."""
    if status == Status.SERVER and text:
        error = json.loads(text)
        code, message = error.get("code", "?"), error.get("message", "no reason was given")
        return ServerError(f"the server refused the request: {code}: {message}", error)
    known = _SENTENCES.get(status)  # type: ignore[call-overload]
    return error_for(status, diagnostics.explain(known or "the request failed"))
