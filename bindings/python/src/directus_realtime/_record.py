"""A subscription as its client knows it, from subscribing to its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._errors import ServerError

if TYPE_CHECKING:
    from ._events import Event


class Record:
    """What the library's number for a subscription stands for."""

    __slots__ = (
        "answered",
        "collection",
        "consume",
        "ended",
        "handle",
        "lane",
        "number",
        "persistent",
        "refusal",
        "scope",
        "uid",
    )

    def __init__(
        self,
        uid: str,
        collection: str,
        persistent: bool,
        consume: Callable[[Event], Any],
        scope: int | None,
    ) -> None:
        self.uid = uid
        self.collection = collection
        self.persistent = persistent
        self.consume = consume
        #: The handle of the scope that ends it, unless it is persistent.
        self.scope = scope
        #: The asyncio client's way to the application.
        self.lane: Any = None
        self.number = 0
        self.handle: int | None = None
        #: Nothing is delivered any more.
        self.ended = False
        #: The server has answered.
        self.answered = False
        self.refusal: ServerError | None = None


def refusal_of(uid: str, event: Event) -> ServerError:
    """The exception for the event that ends a subscription."""
    return _refusal(uid, event.data)


def refusal_in(message: str, uid: str) -> ServerError:
    """The exception for the library's word of a refusal, which has the server's in it."""
    try:
        error = json.loads(message[message.index("{") :])
    except ValueError:
        return ServerError(message)
    return _refusal(uid, error)


def _refusal(uid: str, error: Any) -> ServerError:
    error = error if isinstance(error, dict) else {}
    message = error.get("message", "no reason was given")
    text = f"the server refused the subscription {uid!r}: {error.get('code', '?')}: {message}"
    return ServerError(text, error)
