"""Python objects behind the numbers that the library gets as `user_data`.

An object is kept from its registration until the library releases it, which it does
exactly once, when it will not use the number again.
"""

from __future__ import annotations

import itertools
from typing import Any

from . import _abi

_objects: dict[int, Any] = {}
_numbers = itertools.count(1)


def register(thing: Any) -> int:
    """Keeps an object, and returns its number."""
    number = next(_numbers)
    _objects[number] = thing
    return number


def find(number: int | None) -> Any:
    """The object of a number; None once it was released."""
    return _objects.get(number) if number else None


#: Called by the library. It is written in C, so that no signal handler can interrupt it.
release = _abi.RELEASE_FN(_objects.pop)
