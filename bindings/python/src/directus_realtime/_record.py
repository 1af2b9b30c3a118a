"""A subscription as its client knows it, from subscribing to its end."""

from __future__ import annotations

import json
import weakref
from typing import TYPE_CHECKING, Any

from ._errors import ServerError

if TYPE_CHECKING:
    from ._events import Event
    from ._holder import Holder


class ScopeRecord:
    """What a client knows of a scope."""

    __slots__ = ("closed", "handle")

    def __init__(self, handle: int) -> None:
        self.handle: int = handle
        self.closed: bool = False


class Record:
    """What the library's number for a subscription stands for."""

    __slots__ = (
        "answered",
        "collection",
        "ended",
        "handle",
        "holder",
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
        holder: weakref.ref[Holder],
        scope: ScopeRecord | None,
    ) -> None:
        self.uid: str = uid
        self.collection: str = collection
        self.persistent: bool = persistent
        #: Who owns its callback.
        self.holder: weakref.ref[Holder] = holder
        #: The scope that ends it, if any does.
        self.scope: ScopeRecord | None = None if persistent else scope
        #: The asyncio client's way to the application.
        self.lane: weakref.ref[Any] | None = None
        self.number: int = 0
        self.handle: int | None = None
        #: Nothing is delivered any more.
        self.ended: bool = False
        #: The server has answered.
        self.answered: bool = False
        self.refusal: ServerError | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is of no more use."""
        scope = self.scope
        return self.ended or self.refusal is not None or (scope is not None and scope.closed)


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
