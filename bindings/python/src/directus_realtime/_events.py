"""Events, and the batches in which they come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

from ._abi import FLAG_ENDED, FLAG_RESYNC

EventType = Literal["init", "create", "update", "delete", "error"]

#: An event as it was handed over: number, kind, flags, sequence, index and count, in
#: digits, and the rest: its data, a comma and its meta where there is one.
Row = list[bytes]

_TYPES: dict[bytes, EventType] = {
    b"0": "init",
    b"1": "create",
    b"2": "update",
    b"3": "delete",
    b"4": "error",
}
_CHANGES = (b"1", b"2", b"3")
#: Where one event ends and the next begins.
_BETWEEN = re.compile(rb"\],\[(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),")
#: What that splits an event into.
_PARTS = 7
#: Strings as a whole, and what gives JSON its shape.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
#: What `json.loads` is made of. Type checkers do not know it.
_scan: Any = vars(json.JSONDecoder())["scan_once"]
_UNREAD = object()


def split(text: bytes, count: int) -> list[Row]:
    """The events of a batch, none of which is parsed.

    Args:
        text: `[[number,kind,flags,sequence,index,count,data,meta?],…]`.
        count: How many there are. What looks like the place between two events may also
            be part of one; then there are too many.
    """
    parts = _BETWEEN.split(b"]," + text[1:-2])
    if len(parts) == 1 + count * _PARTS:
        return [parts[at : at + _PARTS] for at in range(1, len(parts), _PARTS)]
    return list(_split_token_by_token(text))


def _split_token_by_token(text: bytes) -> Iterator[Row]:
    depth = begin = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
            if depth == 2:
                begin = token.end()
        elif mark in (b"]", b"}"):
            if depth == 2:
                yield text[begin : token.start()].split(b",", _PARTS - 1)
            depth -= 1


def _end_of_first(rest: bytes) -> int:
    """Where the first of the values with commas between them ends."""
    depth = 0
    for token in _TOKEN.finditer(rest):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        elif mark == b"," and depth == 0:
            return token.start()
    return len(rest)


class Source(Protocol):
    """What an event says of its subscription."""

    @property
    def uid(self) -> str: ...

    @property
    def collection(self) -> str: ...


class Origin(NamedTuple):
    """The source of an event that was pickled."""

    uid: str
    collection: str


class Event:
    """Something that happened on the server.

    It has its own part of what was received, and nothing else: keep as many as you like.
    """

    __slots__ = ("_data", "_end", "_row", "_source")

    def __init__(self, source: Source, row: Row) -> None:
        self._source = source
        self._row = row
        self._data: Any = _UNREAD
        #: Where the data ends; -1 while nobody has looked.
        self._end = -1

    @property
    def type(self) -> EventType:
        """`"init"`, `"create"`, `"update"`, `"delete"` or `"error"`."""
        return _TYPES[self._row[1]]

    @property
    def is_change(self) -> bool:
        """Whether it is a `create`, `update` or `delete`: `data` is an item or a key then.

        The others are `init`, which comes first and after each gap, also with `event=`
        and without data then, and `error`.
        """
        return self._row[1] in _CHANGES

    @property
    def data(self) -> Any:
        """What it is about; parsed on first use.

        The item for `create` and `update`; `{primary_key: key}` for `delete`; the
        snapshot for `init` (a list; a dict for one item or a singleton; None where
        there is none); `{"code": …, "message": …}` for `error`.
        """
        if self._data is _UNREAD:
            text = self._row[6].decode()
            try:
                self._data, end = _scan(text, 0)
            except StopIteration:
                raise ValueError(f"this is not JSON: {text!r}") from None
            self._end = end if text.isascii() else len(text[:end].encode())
        return self._data

    @property
    def raw(self) -> bytes:
        """The data as the server wrote it: JSON, untouched."""
        return self._row[6][: self._data_end()]

    @property
    def meta(self) -> Any:
        """The server's `meta`, where the query asked for it."""
        meta = self._row[6][self._data_end() + 1 :]
        return json.loads(meta) if meta else None

    def _data_end(self) -> int:
        if self._end < 0:
            self._end = _end_of_first(self._row[6])
        return self._end

    @property
    def resync(self) -> bool:
        """An `init` that follows a gap: it replaces what was known before."""
        return bool(int(self._row[2]) & FLAG_RESYNC)

    @property
    def ended(self) -> bool:
        """An `error` that is the subscription's end: the server has refused it."""
        return bool(int(self._row[2]) & FLAG_ENDED)

    @property
    def sequence(self) -> int:
        """Counts the client's events from 1, without holes."""
        return int(self._row[3])

    @property
    def index(self) -> int:
        """The item's place in its server message."""
        return int(self._row[4])

    @property
    def count(self) -> int:
        """The number of items in that message."""
        return int(self._row[5])

    @property
    def uid(self) -> str:
        """The subscription's uid."""
        return self._source.uid

    @property
    def collection(self) -> str:
        """The subscription's collection."""
        return self._source.collection

    def __reduce__(self) -> tuple[Any, ...]:
        return Event, (Origin(self.uid, self.collection), self._row)

    def __repr__(self) -> str:
        return f"<Event {self.type} {self.sequence} of {self.uid!r}>"
