"""The result of a request: its reply, or an exception."""

from __future__ import annotations

import json
from typing import Any

from ._diagnostics import Diagnostics
from ._errors import DirectusRealtimeError, ServerError, Status, error_for

#: For a reply, where the application gives no timeout.
REQUEST_SECONDS = 30.0
#: For its way from the library to the call that waits, which callbacks may hold up.
DELIVERY_SECONDS = 2.0
#: How long to wait before a request that found no link is tried again.
RETRY_SECONDS = 0.01

_SENTENCES = {
    Status.TIMEOUT: "the server did not reply in time",
    Status.NOT_CONNECTED: "the link was lost before the server replied: it may or may not"
    " have done what the request asked for",
    Status.CLOSED: "the client was closed before the server replied",
}


def answer_of(status: int, text: bytes, diagnostics: Diagnostics) -> dict[str, Any]:
    """The server's message; raises where there is none, or it is an error."""
    if status >= 0:
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer
    raise _failure_of(status, text, diagnostics)


def _failure_of(status: int, text: bytes, diagnostics: Diagnostics) -> DirectusRealtimeError:
    if status == Status.SERVER and text:
        error = json.loads(text)
        code, message = error.get("code", "?"), error.get("message", "no reason was given")
        return ServerError(f"the server refused the request: {code}: {message}", error)
    known = _SENTENCES.get(status)  # type: ignore[call-overload]
    return error_for(status, diagnostics.explain(known or "the request failed"))
