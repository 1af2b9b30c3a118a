"""The updates of live collections, and how they are read (kind 5 of `drt_client_next`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Generic, Literal, NamedTuple

from ._errors import ServerError
from ._events import _scan as scan
from ._live_state import STATUSES, Block, LiveRow, LiveState, LiveStatus, Step
from ._subscription_state import refusal_of
from ._typing import Row

ChangeKind = Literal["added", "modified", "removed"]

#: By the library's numbers.
_KINDS: tuple[ChangeKind, ...] = ("added", "modified", "removed")
_ADDED, _MODIFIED = 0, 1


class LiveChange(Generic[Row]):
    """A change of one row.

    Applied to a list one after the other, the changes of an update give the new list: the row
    is removed at `old_index`, then inserted at `new_index`.
    """

    __slots__ = ("_row", "key", "kind", "new_index", "old_index")

    def __init__(self, step: Step) -> None:
        #: `"added"`, `"modified"` (moved, too, where the indices differ) or `"removed"`.
        self.kind: ChangeKind = _KINDS[step.kind]
        #: The primary key.
        self.key: int | str = step.row.key
        #: Where the row was; None for a row that was added.
        self.old_index: int | None = step.old
        #: Where it is; None for a row that was removed.
        self.new_index: int | None = step.new
        self._row = step.row

    @property
    def row(self) -> Row:
        """The whole row; one that was removed is as it was last. Do not change it."""
        row: Row = self._row.value
        return row

    def __repr__(self) -> str:
        return f"<LiveChange {self.kind} {self.key!r}: {self.old_index} → {self.new_index}>"


class LiveUpdate(Generic[Row]):
    """An update of a live collection: a new status, changed rows, or both."""

    __slots__ = ("_changes", "_steps", "_weight", "error", "revision", "status", "uid")

    def __init__(
        self,
        state: LiveState,
        steps: Callable[[], list[Step]],
        weight: int,
    ) -> None:
        self._steps = steps
        self._changes: list[LiveChange[Row]] | None = None
        #: The uid of the live collection.
        self.uid: str = state.uid
        #: The status from now on.
        self.status: LiveStatus = state.status
        #: How many updates have changed rows so far; it may skip numbers.
        self.revision: int = state.revision
        #: The server's error object, if that is why the rows may be old, or why the live
        #: collection has ended; None otherwise.
        self.error: dict[str, Any] | None = state.error
        #: The bytes of its text.
        self._weight = weight

    @property
    def changes(self) -> list[LiveChange[Row]]:
        """What leads from the rows before to the rows now; empty where only the status is new."""
        if self._changes is None:
            self._changes = [LiveChange(step) for step in self._steps()]
        return self._changes

    @property
    def ended(self) -> bool:
        """Whether it is the last one: the server has refused the live collection."""
        return self.status is LiveStatus.ENDED

    def _refusal(self) -> ServerError:
        """What is raised where it is the last one."""
        return refusal_of(self.uid, self.error, "live collection")

    def __repr__(self) -> str:
        return f"<LiveUpdate {self.revision} of {self.uid!r}, {self.status}>"


class _Fields(NamedTuple):
    """The parts of an update's text."""

    sequence: int
    status: LiveStatus
    revision: int
    #: An array, as text.
    changes: bytes
    error: dict[str, Any] | None


def take(state: LiveState, text: bytes) -> LiveUpdate[Any]:
    """Reads an update, and applies it.

    Args:
        state: What the update is of.
        text: The row.
    """
    fields = _fields(text)
    rows = None if state.shown.rows else _first_rows(fields.changes)
    if rows is None:
        steps = _steps(state, fields.changes.decode())
        state.apply(fields.sequence, steps)
        made: Callable[[], list[Step]] = lambda: steps  # noqa: E731
    else:
        first = rows
        state.load(fields.sequence, list(first))
        made = lambda: _added(first)  # noqa: E731
    state.status, state.revision, state.error = fields.status, fields.revision, fields.error
    return LiveUpdate(state, made, len(text))


def _fields(text: bytes) -> _Fields:
    # The kind, the number of the registration and the flags come first.
    *_, sequence, status, revision, rest = text[:-1].split(b",", 6)
    error = None
    if rest.endswith(b",null"):
        changes = rest[: -len(b",null")]
    else:
        # An error is rare, and its changes are few.
        decoded = rest.decode()
        _, end = scan(decoded, 0)
        changes, error = decoded[:end].encode(), json.loads(decoded[end + 1 :])
    return _Fields(int(sequence), STATUSES[int(status)], int(revision), changes, error)


#: The beginning of a change up to its row, where the key needs no escapes.
_HEAD = re.compile(rb'\],\[([012]),(-?\d+|"[\w.:+-]*"),(\d+|null),(\d+|null),')
_PARTS = 5
_ROWS_OF_A_BLOCK = 64


def _first_rows(changes: bytes) -> list[LiveRow] | None:
    """The rows of an update that adds all of them, unparsed; None where it is another one.

    They are found by the text between two of them. Text inside a row may look like that. But
    the indices count up: such text would shift those behind it. In the last row it would leave
    an end that is no JSON.
    """
    parts = _HEAD.split(b"]," + changes[1:-2])
    count = len(parts) // _PARTS
    if count == 0 or parts[1::_PARTS].count(b"0") != count:
        return None
    if parts[4::_PARTS] != [b"%d" % index for index in range(count)]:
        return None
    try:
        last = parts[-1].decode()
        if scan(last, 0)[1] != len(last):
            return None
    except (StopIteration, ValueError):
        return None
    keys = [key[1:-1].decode() if key.startswith(b'"') else int(key) for key in parts[2::_PARTS]]
    texts, rows = parts[5::_PARTS], []
    for begin in range(0, count, _ROWS_OF_A_BLOCK):
        end = begin + _ROWS_OF_A_BLOCK
        block = Block(b",".join(texts[begin:end]))
        rows += [LiveRow(key, None, block, at) for at, key in enumerate(keys[begin:end])]
    return rows


def _added(rows: list[LiveRow]) -> list[Step]:
    return [Step(_ADDED, None, index, row) for index, row in enumerate(rows)]


def _steps(state: LiveState, changes: str) -> list[Step]:
    """The steps of an update. Rows that only move stay the same objects."""
    steps: list[Step] = []
    array: list[tuple[int, int | str, int | None, int | None, Any]] = json.loads(changes)
    for kind, key, old, new, value in array:
        known = state.by_key.get(str(key)) if old != new and kind == _MODIFIED else None
        if known is None or not known.equals(value):
            known = LiveRow(key, value)
        steps.append(Step(kind, old, new, known))
    return steps
