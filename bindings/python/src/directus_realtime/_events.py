"""Events, and the batches in which they come."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from ._abi import FLAG_ENDED, FLAG_RESYNC

if TYPE_CHECKING:
    from typing import Literal

    from ._record import Record

    EventType = Literal["init", "create", "update", "delete", "error"]

_TYPES = ("init", "create", "update", "delete", "error")
#: Strings as a whole, and what gives JSON its shape.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
#: number, kind, flags, sequence, index, count: what stands before the data.
_HEAD = 6
_UNPARSED = object()


class Batch:
    """Events that were handed over together: the library's JSON, and what it says."""

    __slots__ = ("_places", "rows", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._places: list[list[slice]] | None = None
        #: `[number, kind, flags, sequence, index, count, data, meta?]` each.
        self.rows: list[list[Any]]
        try:
            self.rows = json.loads(text)
        except (ValueError, RecursionError):
            # Something that is JSON and too much for Python: an integer of five
            # thousand digits, a thousand brackets. Whoever looks at it is told.
            self.rows = [self._unparsed(places) for places in self.places()]

    def _unparsed(self, places: list[slice]) -> list[Any]:
        head: list[Any] = [int(self.text[place]) for place in places[:_HEAD]]
        return head + [_UNPARSED] * (len(places) - _HEAD)

    def places(self) -> list[list[slice]]:
        """Where each event's parts are in the text."""
        if self._places is None:
            self._places = list(self._locate())
        return self._places

    def _locate(self) -> list[list[slice]]:
        events: list[list[slice]] = []
        parts: list[slice] = []
        depth = begin = 0
        for token in _TOKEN.finditer(self.text):
            mark = token.group()
            if mark in (b"[", b"{"):
                depth += 1
                if depth == 2:
                    parts, begin = [], token.end()
            elif depth == 2 and mark in (b",", b"]"):
                parts.append(slice(begin, token.start()))
                begin = token.end()
            if mark in (b"]", b"}"):
                if depth == 2:
                    events.append(parts)
                depth -= 1
        return events

    def raw(self, event: int, part: int) -> bytes:
        """A part of an event as the server wrote it."""
        places = self.places()[event]
        return self.text[places[part]] if part < len(places) else b""

    def value(self, event: int, part: int) -> Any:
        """A part of an event."""
        row = self.rows[event]
        if part >= len(row):
            return None
        if row[part] is _UNPARSED:
            row[part] = json.loads(self.raw(event, part))
        return row[part]


class Event:
    """Something that happened on the server."""

    __slots__ = ("_batch", "_place", "_record", "_row")

    def __init__(self, record: Record, batch: Batch, place: int) -> None:
        self._record = record
        self._batch = batch
        self._place = place
        self._row = batch.rows[place]

    @property
    def type(self) -> EventType:
        """`"init"`, `"create"`, `"update"`, `"delete"` or `"error"`."""
        return cast("EventType", _TYPES[self._row[1]])

    @property
    def data(self) -> Any:
        """What it is about.

        The item for `create` and `update`; `{primary_key: key}` for `delete`; the
        snapshot for `init` (a list; a dict for one item or a singleton; None where
        there is none); `{"code": …, "message": …}` for `error`.
        """
        return self._batch.value(self._place, _HEAD)

    @property
    def raw(self) -> bytes:
        """The data as the server wrote it: JSON, untouched."""
        return self._batch.raw(self._place, _HEAD)

    @property
    def meta(self) -> Any:
        """The server's `meta`, where the query asked for it."""
        return self._batch.value(self._place, _HEAD + 1)

    @property
    def resync(self) -> bool:
        """An `init` that follows a gap: it replaces what was known before."""
        return bool(self._row[2] & FLAG_RESYNC)

    @property
    def ended(self) -> bool:
        """An `error` that is the subscription's end: the server has refused it."""
        return bool(self._row[2] & FLAG_ENDED)

    @property
    def sequence(self) -> int:
        """Counts the client's events from 1, without holes."""
        return cast("int", self._row[3])

    @property
    def index(self) -> int:
        """The item's place in its server message."""
        return cast("int", self._row[4])

    @property
    def count(self) -> int:
        """The number of items in that message."""
        return cast("int", self._row[5])

    @property
    def uid(self) -> str:
        """The subscription's uid."""
        return self._record.uid

    @property
    def collection(self) -> str:
        """The subscription's collection."""
        return self._record.collection

    def __repr__(self) -> str:
        return f"<Event {self.type} {self.sequence} of {self.uid!r}>"
