"""Events, whose data is parsed on first use."""

from __future__ import annotations

import json
from typing import Any, Generic, Literal, NamedTuple, Protocol

from ._abi import FLAG_ENDED, FLAG_RESYNC, FLAG_SETTLED
from ._rows import BEGIN, COUNT, DATA_END, FLAGS, INDEX, KIND, SEQUENCE, Entry
from ._typing import Data_co

EventType = Literal["init", "create", "update", "delete", "error"]

#: By kind.
_TYPES: tuple[EventType, ...] = ("init", "create", "update", "delete", "error")
_CREATE, _DELETE = 1, 3
#: Parses one value and returns where it ends. `json.loads` uses it; it has no type hints.
_scan: Any = vars(json.JSONDecoder())["scan_once"]
_UNREAD = object()


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


class Event(Generic[Data_co]):
    """A snapshot, a change or an error of a subscription.

    It refers to its own text only, so that keeping it keeps nothing else in memory.

    `Event[Post]` is for type checkers, and says that `data` is a `Post`. That holds where
    the application looks at `type` first, or gets such events only
    (`event=["create", "update"], changes_only=True`); nothing checks it at run time.
    """

    __slots__ = ("_data", "_entry", "_source", "_text")

    def __init__(self, source: Source, entry: Entry, text: bytes) -> None:
        self._source = source
        self._entry = entry
        #: The data and the meta.
        self._text = text
        self._data: Any = _UNREAD

    @property
    def type(self) -> EventType:
        """`"init"`, `"create"`, `"update"`, `"delete"` or `"error"`."""
        return _TYPES[self._entry[KIND]]

    @property
    def is_change(self) -> bool:
        """Whether it is a `create`, `update` or `delete`, whose `data` is an item or a key.

        The others are `error` and `init`, which comes first and after each gap; with
        `event=` it comes without data.
        """
        return _CREATE <= self._entry[KIND] <= _DELETE

    @property
    def data(self) -> Data_co:
        """The data, parsed on first use.

        The item for `create` and `update`; `{primary_key: key}` for `delete`; the
        snapshot for `init` (a list; a dict for one item or a singleton; None where
        there is none); `{"code": …, "message": …}` for `error`.
        """
        if self._data is _UNREAD:
            text = self._text.decode()
            try:
                self._data, _ = _scan(text, 0)
            except StopIteration:
                raise ValueError(f"this is not JSON: {text!r}") from None
        data: Data_co = self._data
        return data

    @property
    def raw(self) -> bytes:
        """The data as the server wrote it, in JSON."""
        return self._text[: self._data_length]

    @property
    def meta(self) -> Any:
        """The server's `meta`, if the query asked for it; otherwise None."""
        meta = self._text[self._data_length :]
        return json.loads(meta) if meta else None

    @property
    def _data_length(self) -> int:
        return self._entry[DATA_END] - self._entry[BEGIN]

    @property
    def resync(self) -> bool:
        """Whether it is an `init` that follows a gap, and replaces what was known before."""
        return bool(self._entry[FLAGS] & FLAG_RESYNC)

    @property
    def settled(self) -> bool:
        """Whether the item was read again, and is not as it was last reported.

        The server's events may be wrong where items change in quick succession.
        """
        return bool(self._entry[FLAGS] & FLAG_SETTLED)

    @property
    def ended(self) -> bool:
        """Whether it is an `error` that ends the subscription: the server has refused it."""
        return bool(self._entry[FLAGS] & FLAG_ENDED)

    @property
    def sequence(self) -> int:
        """The number of this event among the client's, counted from 1 without gaps."""
        return self._entry[SEQUENCE]

    @property
    def index(self) -> int:
        """The position of the item in the server's message."""
        return self._entry[INDEX]

    @property
    def count(self) -> int:
        """The number of items in that message."""
        return self._entry[COUNT]

    @property
    def uid(self) -> str:
        """The subscription's uid."""
        return self._source.uid

    @property
    def collection(self) -> str:
        """The subscription's collection."""
        return self._source.collection

    def __reduce__(self) -> tuple[Any, ...]:
        return Event, (Origin(self.uid, self.collection), self._entry, self._text)

    def __repr__(self) -> str:
        return f"<Event {self.type} {self.sequence} of {self.uid!r}>"
