"""Converts Python's arguments to the options of the C ABI."""

from __future__ import annotations

import ctypes
import difflib
import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Union

from . import _abi
from ._errors import InvalidArgumentError
from ._json import dump

Query = Mapping[str, Any]
Key = Union[int, str, uuid.UUID]
AuthMode = Literal["handshake", "public", "strict"]
EventName = Literal["create", "update", "delete"]
Events = Union[EventName, Iterable[EventName]]
Granularity = Literal["item", "message"]
Snapshot = Literal["exact", "server"]

AUTH_MODES = {"handshake": 0, "public": 1, "strict": 2}
EVENTS = {"create": 1, "update": 2, "delete": 4}
GRANULARITIES = {"item": 0, "message": 1}
SNAPSHOTS = {"exact": 0, "server": 1}

#: The most seconds that fit into 32 bits as milliseconds: 49 days.
_MOST_SECONDS = 4_294_967


def encode(text: str | None, name: str, *, optional: bool = True) -> bytes | None:
    """A text for the library, in which C would end it at the first NUL."""
    if text is None and optional:
        return None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if "\0" in text:
        raise InvalidArgumentError(f"{name} contains a NUL character: remove it")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} is not valid Unicode: {error}") from None


def path(value: str | os.PathLike[str] | None, name: str) -> bytes | None:
    """A path for the library."""
    return encode(os.fspath(value) if isinstance(value, os.PathLike) else value, name)


def key_text(key: object, name: str) -> str:
    """A primary key as text."""
    # The server takes the number 0 for no key, and would read or change the whole
    # collection. It takes the text "0" for the key.
    if isinstance(key, bool) or not isinstance(key, (int, str, uuid.UUID)):
        kind = type(key).__name__
        raise TypeError(f"{name} must be a primary key (int, str or UUID), not {kind}: {key!r}")
    if key == "":
        raise InvalidArgumentError(f"{name} is empty: pass a primary key")
    return str(key)


def whole(value: int, name: str, bits: int) -> int:
    """A number that must fit into so many bits."""
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not 0 <= value < 1 << bits:
        raise InvalidArgumentError(f"{name} must be from 0 to {(1 << bits) - 1}, not {value}")
    return value


def header_lines(headers: Mapping[str, str] | None, option: str) -> bytes | None:
    """Headers as the library takes them: one line for each."""
    if headers is None:
        return None
    if not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"headers must be a mapping, such as a dict, not {type(headers).__name__}")
    lines: list[str] = []
    for name, value in headers.items():
        for text in (name, value):
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                kind = type(text).__name__
                raise TypeError(f"headers: names and values must be str, not {kind}: {text!r}")
            if "\r" in text or "\n" in text:
                raise InvalidArgumentError(f"headers: {name!r} contains a line break: remove it")
        if not name.strip() or ":" in name:
            raise InvalidArgumentError(f"headers: {name!r} is not the name of a header")
        lines.append(f"{name}: {value}")
    return encode("\n".join(lines) or None, option)


def urls(url: str | Sequence[str], option: str) -> bytes | None:
    """One URL, or several."""
    if isinstance(url, str):
        return encode(url, option)
    if isinstance(url, bytes) or not isinstance(url, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"url must be a str or a sequence of str, not {type(url).__name__}")
    parts = list(url)
    for part in parts:
        encode(part, option, optional=False)
    return encode(",".join(parts), option)


def choose(value: str, choices: Mapping[str, int], name: str) -> int:
    """The number of a choice."""
    if not isinstance(value, str) or value not in choices:  # pyright: ignore[reportUnnecessaryIsInstance]
        words = ", ".join(repr(word) for word in choices)
        raise InvalidArgumentError(f"{name} must be one of {words}, not {value!r}")
    return choices[value]


def milliseconds(seconds: float | None, name: str) -> int:
    """Seconds as milliseconds; None as 0, for which the library takes its default."""
    if seconds is None:
        return 0
    if not 0 < _seconds(seconds, name) < _MOST_SECONDS:
        raise InvalidArgumentError(
            f"{name} must be a positive number of seconds, below {_MOST_SECONDS} (49 days),"
            f" not {seconds!r}"
        )
    return max(1, round(seconds * 1000))


def limit(seconds: float | None, name: str) -> float | None:
    """Seconds to wait; None, or more than the library can count, for no limit."""
    if seconds is None or _seconds(seconds, name) >= _MOST_SECONDS:
        return None
    return max(0.0, seconds)


def _seconds(seconds: object, name: str) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    return seconds


#: How the options of a client are converted.
_CLIENT_OPTIONS: dict[str, Callable[[Any, str], object]] = {
    "url": urls,
    "access_token": encode,
    "email": encode,
    "password": encode,
    "refresh_token": encode,
    "auth_mode": lambda value, name: choose(value, AUTH_MODES, name),
    "connect_timeout": milliseconds,
    "ack_timeout": milliseconds,
    "heartbeat": milliseconds,
    "reconnect_min": milliseconds,
    "reconnect_max": milliseconds,
    "reconnect_attempts": lambda value, name: whole(value, name, 32),
    "queue_bytes": lambda value, name: whole(value, name, 64),
    "ca_file": path,
    "proxy": encode,
    "client_cert_file": path,
    "client_key_file": path,
    "headers": header_lines,
    "user_agent": encode,
    "max_message_bytes": lambda value, name: whole(value, name, 64),
    "send_queue_bytes": lambda value, name: whole(value, name, 64),
}


def client_options(given: Mapping[str, Any]) -> _abi.ClientOptions:
    """The options of a client among its arguments; see `Client`."""
    options = _abi.ClientOptions(struct_size=ctypes.sizeof(_abi.ClientOptions))
    options.delivery = _abi.DELIVER_POLL
    for name, convert in _CLIENT_OPTIONS.items():
        field = f"{name}_ms" if convert is milliseconds else name
        setattr(options, field, convert(given[name], name))
    return options


def event_mask(event: Events | None) -> int:
    """The kinds of changes as a mask; None, for all kinds, is 0."""
    if event is None:
        return 0
    if not isinstance(event, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"event must be a str, or several, not {type(event).__name__}")
    words = [event] if isinstance(event, str) else list(event)
    if not words:
        raise InvalidArgumentError("event is empty: pass create, update or delete, or leave it out")
    mask = 0
    for word in words:
        mask |= choose(word, EVENTS, "event")
    return mask


#: For `settle_ms`.
_NEVER = 0xFFFFFFFF


def _collection(collection: str) -> bytes | None:
    name = encode(collection, "collection", optional=False)
    if not name:
        raise InvalidArgumentError("collection is empty: pass the name of a collection")
    return name


def subscription_options(
    collection: str,
    uid: str,
    *,
    query: Query | None,
    persistent: bool,
    event: Events | None,
    item: Key | None,
    primary_key: str,
    granularity: Granularity,
    snapshot: Snapshot,
    settle: float | None,
) -> _abi.SubscriptionOptions:
    """The options of a subscription; see `Client.subscribe`."""
    name = _collection(collection)
    check_query(query)
    return _abi.SubscriptionOptions(
        struct_size=ctypes.sizeof(_abi.SubscriptionOptions),
        collection=name,
        query=None if query is None else dump(query, "query"),
        uid=encode(uid, "uid"),
        persistent=bool(persistent),
        events=event_mask(event),
        item=None if item is None else encode(key_text(item, "item"), "item"),
        primary_key=encode(primary_key, "primary_key", optional=False),
        granularity=choose(granularity, GRANULARITIES, "granularity"),
        snapshot=choose(snapshot, SNAPSHOTS, "snapshot"),
        settle_ms=_NEVER if settle is None else milliseconds(settle, "settle"),
    )


def live_options(
    collection: str,
    uid: str,
    *,
    query: Query | None,
    persistent: bool,
    primary_key: str,
    depends_on: str | Iterable[str],
    verify: float | None,
) -> _abi.LiveOptions:
    """The options of a live collection; see `Client.live`."""
    name = _collection(collection)
    check_query(query)
    return _abi.LiveOptions(
        struct_size=ctypes.sizeof(_abi.LiveOptions),
        collection=name,
        query=None if query is None else dump(query, "query"),
        uid=encode(uid, "uid"),
        persistent=bool(persistent),
        primary_key=encode(primary_key, "primary_key", optional=False),
        depends_on=_names(depends_on),
        # The library's 0 is its default; here it is what it looks like.
        verify_ms=_NEVER if verify is None or verify == 0 else milliseconds(verify, "verify"),
    )


def _names(depends_on: str | Iterable[str]) -> bytes | None:
    """The names of collections; a single one may be given as it is."""
    if isinstance(depends_on, bytes) or not isinstance(depends_on, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"depends_on must be a list of str, not {type(depends_on).__name__}")
    names = [depends_on] if isinstance(depends_on, str) else list(depends_on)
    for name in names:
        encode(name, "depends_on", optional=False)
        if not name.strip() or "," in name:
            raise InvalidArgumentError(f"depends_on: {name!r} is not the name of a collection")
    return encode(",".join(names) or None, "depends_on")


#: The parameters that the server reads; it ignores all others.
PARAMETERS = [
    "fields",
    "filter",
    "search",
    "sort",
    "limit",
    "offset",
    "page",
    "meta",
    "deep",
    "alias",
    "aggregate",
    "group",
    "groupBy",
    "export",
    "version",
    "versionRaw",
    "backlink",
]


def check_query(query: object) -> None:
    """Refuses a parameter that does not exist.

    The server would ignore a misspelt filter, and report everything. A query that is not
    a mapping is refused when it is written as JSON.
    """
    if not isinstance(query, Mapping):
        return
    for name, value in query.items():
        if name not in PARAMETERS:
            raise InvalidArgumentError(
                f"query[{name!r}] is not a query parameter: {_hint(name, value)}"
            )


def _hint(name: object, value: object) -> str:
    words = str(name)
    near = difflib.get_close_matches(words.replace("_", "").lower(), PARAMETERS, 1, 0.8)
    if near:
        return f"did you mean {near[0]!r}?"
    has_operator = isinstance(value, Mapping) and any(str(key).startswith("_") for key in value)
    if words.startswith("_") or has_operator:
        return "it belongs in query['filter']"
    return f"use one of {', '.join(PARAMETERS)}"
