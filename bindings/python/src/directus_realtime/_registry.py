"""Python objects that the library knows by a number, its `user_data`.

An object is kept from its registration until the library releases it, which it does
exactly once, when it will never name the number again.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

from . import _abi

_objects: dict[int, Any] = {}
_numbers = itertools.count(1)
_released: deque[Any] = deque()


def register(thing: Any) -> int:
    """Keeps an object; the number stands for it."""
    number = next(_numbers)
    _objects[number] = thing
    return number


def find(number: int | None) -> Any:
    """The object of a number; None once it was released."""
    return _objects.get(number) if number else None


@_abi.RELEASE_FN
def release(number: int | None) -> None:
    """Called by the library. What a dying object does (a scope may close itself)
    must not happen inside the library's own call: see `drop_released`."""
    thing = _objects.pop(number, None) if number else None
    if thing is not None:
        _released.append(thing)


def drop_released() -> None:
    """Lets go of what was released. To be called outside of the library's calls."""
    while _released:
        try:
            _released.popleft()
        except IndexError:
            return
