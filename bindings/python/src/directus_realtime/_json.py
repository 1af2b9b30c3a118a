"""JSON for the server, from Python's values.

Values that JSON has no type for become the text that Directus accepts without loss:
dates and times in ISO 8601, `Decimal` and `UUID` as they print, and integers that the
server's numbers cannot hold exactly as digits. Everything else is refused, and the
message says where it stands.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import uuid
from collections.abc import Mapping
from typing import Any

from ._errors import InvalidArgumentError

#: The server reads numbers as doubles, and would round a larger one.
MAX_EXACT_INTEGER = (1 << 53) - 1
#: Decimals are written without an exponent, unless that takes more digits than this.
_MAX_DIGITS = 100


def dump(value: Any, name: str) -> bytes:
    """A mapping as JSON.

    Raises:
        TypeError: It is no mapping.
        InvalidArgumentError: Something in it cannot be written; the message says where.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, such as a dict, not {type(value).__name__}")
    try:
        text = json.dumps(_plain(value, name), ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except RecursionError:
        message = f"{name} cannot be written as JSON: it contains itself, or is nested too deep"
        raise InvalidArgumentError(message) from None
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} is not valid Unicode: {error}") from None


def _plain(value: Any, place: str) -> Any:
    """The value as types that `json` writes; `place` is its place in the whole."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= MAX_EXACT_INTEGER else str(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(place, f"{value} is not a number in JSON")
        return value
    if isinstance(value, Mapping):
        return {_key(key, place): _plain(item, f"{place}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{at}]") for at, item in enumerate(value)]
    return _text(value, place)


def _text(value: Any, place: str) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise _refused(place, f"{value} is not a number in JSON")
        return str(value) if abs(value.adjusted()) > _MAX_DIGITS else format(value, "f")
    kind = type(value).__name__
    if isinstance(value, enum.Enum):
        raise _refused(place, f"{value} is an enum: give its value")
    if isinstance(value, datetime.timedelta):
        raise _refused(place, "a timedelta has no form in JSON: give a number or a text")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise _refused(place, f"{kind} has no form in JSON: decode it, or use Base64")
    if isinstance(value, (set, frozenset)):
        raise _refused(place, f"a {kind} has no order: make it a list")
    raise _refused(place, f"{kind} has no form in JSON")


def _key(key: Any, place: str) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, uuid.UUID) or (isinstance(key, int) and not isinstance(key, bool)):
        return str(key)
    raise _refused(place, f"names must be str, not {type(key).__name__}: {key!r}")


def _refused(place: str, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{place} cannot be written as JSON: {why}")
