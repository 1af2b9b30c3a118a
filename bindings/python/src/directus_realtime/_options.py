"""Options, from Python's words to the C ABI's."""

from __future__ import annotations

import ctypes
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from . import _abi
from ._errors import InvalidArgumentError

Query = Mapping[str, Any]
Key = Union[int, str, uuid.UUID]

AUTH_MODES = {"handshake": 0, "public": 1, "strict": 2}
EVENTS = {"create": 1, "update": 2, "delete": 4}
GRANULARITIES = {"item": 0, "message": 1}
SNAPSHOTS = {"exact": 0, "server": 1}


def encode(text: str | None, name: str) -> bytes | None:
    """A text for the library, which ends at the first NUL."""
    if text is None:
        return None
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be a str, not {type(text).__name__}")
    if "\0" in text:
        raise InvalidArgumentError(f"{name} has a NUL character in it")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(f"{name} is not valid Unicode: {error}") from None


def dump(value: Any, name: str) -> bytes:
    """A value as JSON. What JSON does not know, such as a date, is an error."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} cannot be written as JSON: {error}") from None


def choose(value: str, choices: Mapping[str, int], name: str) -> int:
    """The number of a word."""
    if value not in choices:
        words = ", ".join(repr(word) for word in choices)
        raise InvalidArgumentError(f"{name} must be one of {words}, not {value!r}")
    return choices[value]


def milliseconds(seconds: float | None, name: str) -> int:
    """Seconds for the library; 0, its default, for None."""
    if seconds is None:
        return 0
    if not 0 < seconds < 4_294_967:
        raise InvalidArgumentError(f"{name} must be a positive number of seconds, not {seconds!r}")
    return max(1, round(seconds * 1000))


def client_options(
    url: str | Sequence[str],
    *,
    access_token: str | None,
    email: str | None,
    password: str | None,
    refresh_token: str | None,
    auth_mode: str,
    connect_timeout: float | None,
    ack_timeout: float | None,
    heartbeat: float | None,
    reconnect_min: float | None,
    reconnect_max: float | None,
    reconnect_attempts: int,
    queue_bytes: int,
    ca_file: str | None,
    proxy: str | None,
    client_cert_file: str | None,
    client_key_file: str | None,
    headers: Mapping[str, str] | None,
    user_agent: str | None,
    max_message_bytes: int,
) -> _abi.ClientOptions:
    """See `Client` for what the words mean."""
    lines = "\n".join(f"{name}: {value}" for name, value in (headers or {}).items())
    urls = url if isinstance(url, str) else ",".join(url)
    return _abi.ClientOptions(
        struct_size=ctypes.sizeof(_abi.ClientOptions),
        url=encode(urls, "url"),
        auth_mode=choose(auth_mode, AUTH_MODES, "auth_mode"),
        access_token=encode(access_token, "access_token"),
        email=encode(email, "email"),
        password=encode(password, "password"),
        refresh_token=encode(refresh_token, "refresh_token"),
        delivery=_abi.DELIVER_POLL,
        connect_timeout_ms=milliseconds(connect_timeout, "connect_timeout"),
        ack_timeout_ms=milliseconds(ack_timeout, "ack_timeout"),
        heartbeat_ms=milliseconds(heartbeat, "heartbeat"),
        reconnect_min_ms=milliseconds(reconnect_min, "reconnect_min"),
        reconnect_max_ms=milliseconds(reconnect_max, "reconnect_max"),
        reconnect_attempts=reconnect_attempts,
        queue_bytes=queue_bytes,
        ca_file=encode(ca_file, "ca_file"),
        proxy=encode(proxy, "proxy"),
        client_cert_file=encode(client_cert_file, "client_cert_file"),
        client_key_file=encode(client_key_file, "client_key_file"),
        headers=encode(lines or None, "headers"),
        user_agent=encode(user_agent, "user_agent"),
        max_message_bytes=max_message_bytes,
    )


def event_mask(events: str | Iterable[str] | None) -> int:
    """The kinds of changes that are wanted; None for all."""
    if events is None:
        return 0
    words = [events] if isinstance(events, str) else list(events)
    if not words:
        raise InvalidArgumentError(
            "events is empty: name create, update or delete, or leave it out"
        )
    mask = 0
    for word in words:
        mask |= choose(word, EVENTS, "events")
    return mask


def subscription_options(
    collection: str,
    uid: str,
    *,
    query: Query | None,
    persistent: bool,
    event: str | Iterable[str] | None,
    item: Key | None,
    primary_key: str,
    granularity: str,
    snapshot: str,
) -> _abi.SubscriptionOptions:
    """See `Client.subscribe` for what the words mean."""
    return _abi.SubscriptionOptions(
        struct_size=ctypes.sizeof(_abi.SubscriptionOptions),
        collection=encode(collection, "collection"),
        query=None if query is None else dump(query, "query"),
        uid=encode(uid, "uid"),
        persistent=persistent,
        events=event_mask(event),
        item=None if item is None else encode(str(item), "item"),
        primary_key=encode(primary_key, "primary_key"),
        granularity=choose(granularity, GRANULARITIES, "granularity"),
        snapshot=choose(snapshot, SNAPSHOTS, "snapshot"),
    )
