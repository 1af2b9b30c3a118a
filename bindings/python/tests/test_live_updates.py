"""How the updates of live collections are read and applied, without a server."""

from __future__ import annotations

import json
import random
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from directus_realtime._callbacks import Callbacks
from directus_realtime._live_state import LiveRow, LiveState, LiveStatus, Step
from directus_realtime._live_updates import LiveUpdate, take

ADDED, MODIFIED, REMOVED = range(3)
_callbacks = Callbacks()

Changes = list[list[Any]]


def new_state() -> LiveState:
    return LiveState("u", "posts", False, weakref.ref(_callbacks), None)


def text_of(
    sequence: int, changes: Changes, *, status: int = 1, error: Any = None, revision: int = 1
) -> bytes:
    """A row of the library."""
    parts = [5, 1, 0, sequence, status, revision, changes, error]
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()


def rows_of(state: LiveState) -> list[Any]:
    return [row.value for row in state.shown.rows]


def load(state: LiveState, rows: list[dict[str, Any]], key: str = "id") -> LiveUpdate[Any]:
    changes = [[ADDED, row[key], None, at, row] for at, row in enumerate(rows)]
    return take(state, text_of(state.shown.sequence + 1, changes))


def is_parsed(row: LiveRow) -> bool:
    return row._block is None or row._block._text is None


def test_first_rows_are_parsed_when_they_are_looked_at() -> None:
    state = new_state()
    update = load(state, [{"id": at, "title": f"ü{at}"} for at in range(1000)])
    assert [is_parsed(row) for row in state.shown.rows] == [False] * 1000
    assert state.shown.rows[3].value == {"id": 3, "title": "ü3"}
    assert state.shown.rows[3].value is state.shown.rows[3].value
    assert sum(is_parsed(row) for row in state.shown.rows) == 64
    change = update.changes[7]
    assert (change.kind, change.key, change.old_index, change.new_index) == ("added", 7, None, 7)
    assert change.row is state.shown.rows[7].value


@pytest.mark.parametrize(
    "row",
    [
        {"id": 0, "s": '}],[0,1,null,1,{"id":1}'},
        {"id": 0, "s": "}],[0,1,null,1,{}"},
        {"id": 0, "s": '],[0,"a",null,1,'},
        {"id": 0, "s": "],[0,1,null,1,", "t": "],[0,1,null,2,"},
        {"id": 0, "m": [[1], [0, 1, None, 1, {"id": 1}]]},
        {"id": 0, "m": [[1], [0, 1, None, 1, {"id": 1}], [0, 2, None, 2, {"id": 2}]]},
        {"id": 0, "s": "],[0,", ",1,null,1,": 3},
        {"id": 0, "s": 'a "quoted" \\ text\n'},
    ],
    ids=str,
)
@pytest.mark.parametrize("others", [0, 1, 3])
@pytest.mark.parametrize("place", ["first", "last"])
def test_rows_may_hold_what_separates_rows(row: Any, others: int, place: str) -> None:
    more: list[dict[str, Any]] = [{"id": at + 1} for at in range(others)]
    rows = [row, *more] if place == "first" else [*more, row]
    state = new_state()
    load(state, rows)
    assert rows_of(state) == rows


@pytest.mark.parametrize("key", ["a", "ä", 'q"', "a,b", "\\", "", "3e5", "f-1"])
def test_keys_of_any_text(key: str) -> None:
    state = new_state()
    update = load(state, [{"code": key, "n": 1}], "code")
    assert list(state.by_key) == [key]
    assert update.changes[0].key == key


def test_folding_the_changes_gives_the_rows() -> None:
    chance = random.Random(7)
    state, mirror, expected = new_state(), [], []
    for sequence in range(1, 1500):
        changes: Changes = []
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            kind = chance.choice([ADDED, ADDED, MODIFIED, REMOVED]) if expected else ADDED
            old = None if kind == ADDED else chance.randrange(len(expected))
            row: Any = None if old is None else expected.pop(old)
            if kind == ADDED:
                row = {"id": chance.randrange(10**9), "n": 0}
            elif kind == MODIFIED:
                row = {**row, "n": chance.choice([row["n"], row["n"] + 1])}
            new = None if kind == REMOVED else chance.randint(0, len(expected))
            if new is not None:
                expected.insert(new, row)
            changes.append([kind, row["id"], old, new, row])
        shown, before = state.shown, state.shown.sequence
        update = take(state, text_of(sequence, changes, revision=sequence))
        if state.shown is shown:
            # As if an interrupt had come before the last step.
            shown.sequence = before
        take(state, text_of(sequence, changes, revision=sequence))
        for change in update.changes:
            if change.old_index is not None:
                mirror.pop(change.old_index)
            if change.new_index is not None:
                mirror.insert(change.new_index, change.row)
        assert rows_of(state) == expected == mirror
        assert {key: row.value for key, row in state.by_key.items()} == {
            str(row["id"]): row for row in expected
        }
    assert state.revision == 1499


def interrupted(after: int, work: Callable[..., object], *arguments: Any) -> bool:
    """Interrupts a call after so many instructions; False where it took no more than that."""
    left = after

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        if "_live_" not in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(*arguments)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize(
    "changes",
    [
        [[ADDED, 9, None, 2, {"id": 9}]],
        [[ADDED, 9, None, 4, {"id": 9}]],
        [[REMOVED, 1, 1, None, {"id": 1}]],
        [[REMOVED, 3, 3, None, {"id": 3}]],
        [[MODIFIED, 2, 2, 2, {"id": 2, "n": 1}]],
        [[MODIFIED, 2, 2, 0, {"id": 2, "n": 1}]],
        [[REMOVED, 0, 0, None, {"id": 0}], [ADDED, 0, None, 3, {"id": 0}]],
    ],
    ids=str,
)
def test_an_update_that_was_interrupted_anywhere_can_be_applied_again(changes: Changes) -> None:
    first: list[dict[str, Any]] = [{"id": at} for at in range(4)]
    expected = list(first)
    for _, _, old, new, row in changes:
        if old is not None:
            expected.pop(old)
        if new is not None:
            expected.insert(new, row)
    after = 0
    while True:
        state = new_state()
        load(state, first)
        was_interrupted = interrupted(after, take, state, text_of(2, changes))
        update = take(state, text_of(2, changes))
        assert rows_of(state) == expected, after
        assert {key: row.value for key, row in state.by_key.items()} == {
            str(row["id"]): row for row in expected
        }
        assert len(update.changes) == len(changes)
        if not was_interrupted:
            break
        after += 1
    assert after > 50


def test_a_load_that_was_interrupted_anywhere_can_be_applied_again() -> None:
    rows: list[dict[str, Any]] = [{"id": at} for at in range(3)]
    after = 0
    while True:
        state = new_state()
        was_interrupted = interrupted(after, load, state, rows)
        changes = [[ADDED, row["id"], None, at, row] for at, row in enumerate(rows)]
        take(state, text_of(1, changes))
        assert rows_of(state) == rows, after
        assert sorted(state.by_key) == ["0", "1", "2"]
        if not was_interrupted:
            break
        after += 1
    assert after > 50


def test_a_row_that_only_moves_stays_the_same_object() -> None:
    state = new_state()
    load(state, [{"id": at, "flag": True} for at in range(4)])
    first, second = state.shown.rows[0].value, state.shown.rows[1].value
    changes = [[MODIFIED, 0, 0, 3, {"id": 0, "flag": True}]]
    changes += [[MODIFIED, 1, 0, 2, {"id": 1, "flag": 1}]]
    take(state, text_of(2, changes))
    assert [row["id"] for row in rows_of(state)] == [2, 3, 1, 0]
    assert rows_of(state)[3] is first
    assert rows_of(state)[2] is not second
    assert rows_of(state)[2]["flag"] is not True


def test_who_reads_rows_during_an_update_sees_all_of_it_or_nothing() -> None:
    state = new_state()
    load(state, [{"id": at} for at in range(10)])
    before = state.shown
    take(state, text_of(2, [[REMOVED, 0, 0, None, {"id": 0}], [ADDED, 99, None, 9, {"id": 99}]]))
    assert [row.key for row in before.rows] == list(range(10))
    assert [row.key for row in state.shown.rows] == [*range(1, 10), 99]


def test_an_error_comes_with_the_status() -> None:
    state = new_state()
    error = {"code": "FORBIDDEN", "message": "],[0,1,null,0,"}
    update = take(state, text_of(1, [], status=3, error=error, revision=0))
    assert (update.status, update.error, update.changes) == (LiveStatus.ENDED, error, [])
    update = take(state, text_of(2, [[ADDED, 1, None, 0, {"id": 1}]], status=2, error=error))
    assert (update.status, state.error, rows_of(state)) == ("stale", error, [{"id": 1}])


def test_a_key_that_is_removed_and_added_by_one_update_is_there() -> None:
    state = new_state()
    load(state, [{"id": 1, "n": 0}])
    changes = [[REMOVED, 1, 0, None, {"id": 1, "n": 0}], [ADDED, 1, None, 0, {"id": 1, "n": 1}]]
    take(state, text_of(2, changes))
    assert state.by_key["1"].value == {"id": 1, "n": 1}


def test_steps_are_not_made_for_an_update_that_nobody_looks_at() -> None:
    def steps() -> list[Step]:
        raise AssertionError

    assert repr(LiveUpdate(new_state(), steps, 0)) == "<LiveUpdate 0 of 'u', loading>"
