"""Events, and the batches in which they are received."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

from ._abi import FLAG_ENDED, FLAG_RESYNC

EventType = Literal["init", "create", "update", "delete", "error"]

#: An event as it was received: user data, kind, flags, sequence, index and count, in
#: digits, and the rest: its data, and a comma and its meta where it has one.
Row = list[bytes]

_TYPES: dict[bytes, EventType] = {
    b"0": "init",
    b"1": "create",
    b"2": "update",
    b"3": "delete",
    b"4": "error",
}
_CHANGES = (b"1", b"2", b"3")
#: The text between two events, with the numbers of the second.
_BETWEEN = re.compile(rb"\],\[(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),")
#: The number of parts into which it splits an event.
_PARTS = 7
#: A whole string, or a character that gives JSON its structure.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
#: Parses one value and returns where it ends. `json.loads` uses it; it has no type hints.
_scan: Any = vars(json.JSONDecoder())["scan_once"]
_UNREAD = object()


def split(text: bytes, count: int) -> list[Row]:
    """The events of a batch, whose data is not parsed.

    Args:
        text: `[[user_data,kind,flags,sequence,index,count,data,meta?],…]`.
        count: The number of events. Text inside an event may look like the text between
            two of them: then the quick way finds too many.
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
    """The end of the first of several values that are separated by commas."""
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
    """The subscription of an event."""

    @property
    def uid(self) -> str: ...

    @property
    def collection(self) -> str: ...


class Origin(NamedTuple):
    """The source of an event that was unpickled."""

    uid: str
    collection: str


class Event:
    """A snapshot, a change or an error of a subscription.

    It refers to its own text only, so that keeping it keeps nothing else in memory.
    """

    __slots__ = ("_data", "_end", "_row", "_source")

    def __init__(self, source: Source, row: Row) -> None:
        self._source = source
        self._row = row
        self._data: Any = _UNREAD
        #: Where the data ends in the last part of the row; -1 until that is known.
        self._end = -1

    @property
    def type(self) -> EventType:
        """`"init"`, `"create"`, `"update"`, `"delete"` or `"error"`."""
        return _TYPES[self._row[1]]

    @property
    def is_change(self) -> bool:
        """Whether it is a `create`, `update` or `delete`, whose `data` is an item or a key.

        The others are `error` and `init`, which comes first and after each gap; with
        `event=` it comes without data.
        """
        return self._row[1] in _CHANGES

    @property
    def data(self) -> Any:
        """The data, parsed on first use.

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
        """The data as the server wrote it, in JSON."""
        return self._row[6][: self._data_end()]

    @property
    def meta(self) -> Any:
        """The server's `meta`, if the query asked for it; otherwise None."""
        meta = self._row[6][self._data_end() + 1 :]
        return json.loads(meta) if meta else None

    def _data_end(self) -> int:
        if self._end < 0:
            self._end = _end_of_first(self._row[6])
        return self._end

    @property
    def resync(self) -> bool:
        """Whether it is an `init` that follows a gap, and replaces what was known before."""
        return bool(int(self._row[2]) & FLAG_RESYNC)

    @property
    def ended(self) -> bool:
        """Whether it is an `error` that ends the subscription: the server has refused it."""
        return bool(int(self._row[2]) & FLAG_ENDED)

    @property
    def sequence(self) -> int:
        """The number of this event among the client's, counted from 1 without gaps."""
        return int(self._row[3])

    @property
    def index(self) -> int:
        """The position of the item in the server's message."""
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
