"""Events, whose data is parsed on first use."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, Protocol

from ._abi import FLAG_ENDED, FLAG_RESYNC, FLAG_SETTLED
from ._rows import EventRow, end_of_first

EventType = Literal["init", "create", "update", "delete", "error"]

_TYPES: dict[bytes, EventType] = {
    b"0": "init",
    b"1": "create",
    b"2": "update",
    b"3": "delete",
    b"4": "error",
}
_CHANGES = (b"1", b"2", b"3")
#: Parses one value and returns where it ends. `json.loads` uses it; it has no type hints.
_scan: Any = vars(json.JSONDecoder())["scan_once"]
_UNREAD = object()
_NO_META = b",null"


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

    __slots__ = ("_data", "_row", "_source")

    def __init__(self, source: Source, row: EventRow) -> None:
        self._source = source
        self._row = row
        self._data: Any = _UNREAD

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
                self._data, _ = _scan(text, 0)
            except StopIteration:
                raise ValueError(f"this is not JSON: {text!r}") from None
        return self._data

    @property
    def raw(self) -> bytes:
        """The data as the server wrote it, in JSON."""
        return self._row[6][: self._data_end()]

    @property
    def meta(self) -> Any:
        """The server's `meta`, if the query asked for it; otherwise None."""
        return json.loads(self._row[6][self._data_end() + 1 :])

    def _data_end(self) -> int:
        # The meta is an object, or null.
        rest = self._row[6]
        return len(rest) - len(_NO_META) if rest.endswith(_NO_META) else end_of_first(rest)

    @property
    def resync(self) -> bool:
        """Whether it is an `init` that follows a gap, and replaces what was known before."""
        return bool(int(self._row[2]) & FLAG_RESYNC)

    @property
    def settled(self) -> bool:
        """Whether the item was read again, and is not as it was last reported.

        The server's events may be wrong where items change in quick succession.
        """
        return bool(int(self._row[2]) & FLAG_SETTLED)

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
