"""Reads the rows in which everything comes from the library (`drt_client_next`).

The data of events is not parsed here, and replies are parsed by the call that waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Union

#: An event: user data, kind, flags, sequence, index and count, in digits, and the rest:
#: its data, a comma, and its meta or null.
EventRow = list[bytes]

#: The kinds of the other rows.
STATE, TOKEN_WANTED, REPLY, RELEASED = 1, 2, 3, 4


class OtherRow(NamedTuple):
    """A row that is no event."""

    kind: int
    #: What follows the kind.
    rest: bytes

    def values(self) -> list[Any]:
        """What follows the kind, parsed."""
        return list(json.loads(b"[%b]" % self.rest))


Row = Union[EventRow, OtherRow]

_NUMBERS = rb"0,(\d+),(\d+),(\d+),(\d+),(\d+),(\d+),"
#: The text between two rows, with the numbers of the second where that is an event,
_BEFORE_EVENT = re.compile(rb"\],\[" + _NUMBERS)
#: or with its kind where it is not.
_BEFORE_ROW = re.compile(rb"\],\[(?:" + _NUMBERS + rb"|([1-4]),)")
#: The number of parts of an event.
_PARTS = 7
#: A whole string, or a character that gives JSON its structure.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)


def split(text: bytes, count: int, *, only_events: bool) -> list[Row]:
    """The rows of an array.

    Args:
        text: The array.
        count: The number of its rows. Text inside of a row may look like the text between
            two of them: then the quick ways find too many.
        only_events: Whether all of them are known to be events.
    """
    body = b"]," + text[1:-2]
    if only_events:
        parts = _BEFORE_EVENT.split(body)
        if len(parts) == 1 + count * _PARTS:
            return [parts[at : at + _PARTS] for at in range(1, len(parts), _PARTS)]
    else:
        rows = list(_split_mixed(body))
        if len(rows) == count:
            return rows
    return list(_split_token_by_token(text))


def _split_mixed(body: bytes) -> Iterator[Row]:
    parts: list[Any] = _BEFORE_ROW.split(body)
    for at in range(1, len(parts), _PARTS + 1):
        *numbers, kind, rest = parts[at : at + _PARTS + 1]
        yield [*numbers, rest] if kind is None else OtherRow(int(kind), rest)


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
                kind, rest = text[begin : token.start()].split(b",", 1)
                yield rest.split(b",", _PARTS - 1) if kind == b"0" else OtherRow(int(kind), rest)
            depth -= 1


def end_of_first(text: bytes) -> int:
    """The end of the first of several values that are separated by commas."""
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        elif mark == b"," and depth == 0:
            return token.start()
    return len(text)
