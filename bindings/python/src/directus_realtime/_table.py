"""A table of rows as text, for a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_GAP = "  "
#: No column is narrower, as long as anything of it is shown.
_LEAST_WIDTH = 4


def columns_of(rows: Iterable[Mapping[str, Any]], first: str) -> list[str]:
    """The names of all fields, in the order in which they come; the key's is the first."""
    names: dict[str, None] = {first: None}
    for row in rows:
        names.update(dict.fromkeys(row))
    return list(names)


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], width: int) -> list[str]:
    """A line of names, and one for each row, none of them wider than that."""
    cells = [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(width_of(text) for text in column) for column in zip(columns, *cells)]
    fitted = _fitted(widths, width)
    shown = [columns, *cells]
    return [
        _GAP.join(fit(text, size) for text, size in zip(texts, fitted)).rstrip() for texts in shown
    ]


def _fitted(widths: Sequence[int], width: int) -> list[int]:
    """The widths of the columns that fit: the widest are cut, the last left out."""
    count = max(1, min(len(widths), (width + len(_GAP)) // (_LEAST_WIDTH + len(_GAP))))
    fitted = list(widths[:count])
    room = max(1, width - len(_GAP) * (count - 1))
    excess = sum(fitted) - room
    while excess > 0:
        widest = max(fitted)
        next_widest = max((size for size in fitted if size < widest), default=0)
        at = [place for place, size in enumerate(fitted) if size == widest]
        cut = min(widest - next_widest, -(-excess // len(at)))
        for place in at:
            fitted[place] -= min(cut, excess)
            excess -= min(cut, excess)
    return fitted


def cell(value: Any) -> str:
    """A value as text of one line, without anything that a terminal would obey."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text)


def printable(text: str) -> str:
    """Spaces for white space, and a mark for other control characters."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    # Joiners and marks of direction would shift what follows them.
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """The text, cut or filled up to so many columns."""
    size = width_of(text)
    if size <= width:
        return text + " " * (width - size)
    kept, used = "", 0
    for character in text:
        step = _width(character)
        if used + step > width - 1:
            break
        kept, used = kept + character, used + step
    return kept + "…" + " " * (width - 1 - used)
