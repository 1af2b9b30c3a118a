"""The rows of a live collection, and how its updates change them.

The thread that delivers changes them, and others may read meanwhile: each read is one
operation on a list or a dict. That thread may also be interrupted by a signal handler, which
raises at any place. Then the update is applied once more; that changes nothing twice.
"""

from __future__ import annotations

import enum
import json
import weakref
from typing import Any, NamedTuple

from ._abi import lib
from ._callbacks import Callbacks
from ._subscription_state import ScopeState, SubscriptionState


class LiveStatus(str, enum.Enum):
    """How far a live collection is; it equals its value."""

    #: Its rows are not there yet.
    LOADING = "loading"
    #: Its rows are the server's, as far as the server has told.
    CURRENT = "current"
    #: Its rows may be old: there is no link, or what was missed is being read.
    STALE = "stale"
    #: It was closed, or the server has refused it. The rows are those that were last.
    ENDED = "ended"

    def __str__(self) -> str:
        return self.value


#: The statuses by the library's numbers.
STATUSES = tuple(LiveStatus)


class Block:
    """Rows as text, which are parsed together: so they share the names of their fields."""

    __slots__ = ("_text", "_values")

    def __init__(self, text: bytes) -> None:
        #: The rows, with commas between them.
        self._text: bytes | None = text
        self._values: list[Any] = []

    @property
    def values(self) -> list[Any]:
        """The rows."""
        text = self._text
        # Another thread may be doing the same: the first one counts.
        if text is not None:
            values = json.loads(b"[%b]" % text)
            if self._text is not None:
                self._values = values
                self._text = None
        return self._values


class LiveRow:
    """A row, which is parsed when it is first looked at."""

    __slots__ = ("_at", "_block", "_value", "key")

    def __init__(
        self, key: int | str, value: Any = None, block: Block | None = None, at: int = 0
    ) -> None:
        #: The primary key.
        self.key: int | str = key
        self._value = value
        #: Where it is found if it was not looked at.
        self._block = block
        self._at = at

    @property
    def value(self) -> Any:
        """The row; the same object each time."""
        block = self._block
        if block is not None:
            self._value = block.values[self._at]
            self._block = None
        return self._value

    def equals(self, value: object) -> bool:
        """Whether the row is this value, of the same types."""
        return repr(self.value) == repr(value)


class Step(NamedTuple):
    """A change of one row: out of the old place, and into the new one."""

    #: The number of its kind.
    kind: int
    old: int | None
    new: int | None
    row: LiveRow


class Shown:
    """The rows that one update has left."""

    __slots__ = ("rows", "sequence")

    def __init__(self, rows: list[LiveRow], sequence: int) -> None:
        self.rows: list[LiveRow] = rows
        #: The number of that update among the client's events.
        self.sequence: int = sequence


class LiveState(SubscriptionState):
    """A live collection, from its beginning to its end."""

    __slots__ = ("by_key", "error", "revision", "shown", "status")

    def __init__(
        self,
        uid: str,
        collection: str,
        persistent: bool,
        callbacks: weakref.ref[Callbacks],
        scope: ScopeState | None,
    ) -> None:
        super().__init__(uid, collection, persistent, callbacks, scope)
        self.shown: Shown = Shown([], 0)
        self.by_key: dict[str, LiveRow] = {}
        self.status: LiveStatus = LiveStatus.LOADING
        self.revision: int = 0
        #: The server's error object, where that is why the rows may be old.
        self.error: dict[str, Any] | None = None

    def end_in_library(self) -> int:
        """See `SubscriptionState`."""
        status: int = lib.drt_live_close(self.handle)
        return status

    def apply(self, sequence: int, steps: list[Step]) -> None:
        """Applies the steps of an update, one after the other."""
        shown = self.shown
        if sequence <= shown.sequence:
            return
        if len(steps) == 1:
            _follow_in_place(shown.rows, steps[0])
            self._index(steps)
            shown.sequence = sequence
            return
        # All at once: no half of an update is ever seen.
        rows = shown.rows.copy()
        for step in steps:
            if step.old is not None:
                del rows[step.old]
            if step.new is not None:
                rows.insert(step.new, step.row)
        self._index(steps)
        self.shown = Shown(rows, sequence)

    def load(self, sequence: int, rows: list[LiveRow]) -> None:
        """Takes the first rows."""
        if sequence > self.shown.sequence:
            self.by_key = {str(row.key): row for row in rows}
            self.shown = Shown(rows, sequence)

    def _index(self, steps: list[Step]) -> None:
        # A key may be removed and added by one update: what it has last counts.
        last = {str(step.row.key): step for step in steps}
        for key, step in last.items():
            if step.new is None:
                self.by_key.pop(key, None)
            else:
                self.by_key[key] = step.row


def _follow_in_place(rows: list[LiveRow], step: Step) -> None:
    """Carries out a step by one operation on the list.

    A key is in a list only once: so it shows whether the step was carried out already.
    """
    old, new, row = step.old, step.new, step.row
    if new is None:
        assert old is not None
        if old < len(rows) and rows[old].key == row.key:
            del rows[old]
    elif old is None:
        if new >= len(rows) or rows[new].key != row.key:
            rows.insert(new, row)
    elif rows[new].key == row.key:
        rows[new] = row
    elif old < new:
        rows[old : new + 1] = [*rows[old + 1 : new + 1], row]
    else:
        rows[new : old + 1] = [row, *rows[new:old]]
