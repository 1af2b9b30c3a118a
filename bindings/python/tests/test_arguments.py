"""A wrong argument is refused before anything is done, and the error names it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import directus_realtime as dr
import pytest
from directus_realtime import Client, aio

URL = "http://127.0.0.1:9"


@pytest.fixture
def client() -> Iterator[Client]:
    """A client that never connects."""
    with Client(URL, access_token="t") as client:
        yield client


@pytest.mark.parametrize("kind", [Client, aio.Client])
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"url": None}, TypeError, "url"),
        ({"url": b"http://x"}, TypeError, "url"),
        ({"url": [URL, None]}, TypeError, "url"),
        ({"url": []}, ValueError, "url"),
        ({"url": "nowhere"}, ValueError, "url"),
        ({"reconnect_attempts": -1}, ValueError, "reconnect_attempts"),
        ({"reconnect_attempts": 1 << 32}, ValueError, "reconnect_attempts"),
        ({"reconnect_attempts": "3"}, TypeError, "reconnect_attempts"),
        ({"queue_bytes": -1}, ValueError, "queue_bytes"),
        ({"queue_bytes": 1.5}, TypeError, "queue_bytes"),
        ({"max_message_bytes": -1}, ValueError, "max_message_bytes"),
        ({"send_queue_bytes": -1}, ValueError, "send_queue_bytes"),
        ({"heartbeat": "5"}, TypeError, "heartbeat"),
        ({"heartbeat": -1}, ValueError, "heartbeat"),
        ({"auth_mode": None}, ValueError, "auth_mode"),
        ({"headers": [("a", "b")]}, TypeError, "headers"),
        ({"headers": {"a": 1}}, TypeError, "headers"),
        ({"headers": {"X-A": "1\r\nX-Evil: 2"}}, ValueError, "X-A"),
        ({"headers": {"X-A": "1\nX-Evil: 2"}}, ValueError, "X-A"),
        ({"headers": {"X-A\nX-Evil": "1"}}, ValueError, "X-Evil"),
        ({"headers": {"X-A: 1": "2"}}, ValueError, "X-A"),
        ({"headers": {"": "2"}}, ValueError, "headers"),
        ({"access_token": 7}, TypeError, "access_token"),
        ({"ca_file": 7}, TypeError, "ca_file"),
        ({"url": "http://a\0b"}, ValueError, "NUL"),
        ({"url": "https://localhost", "ca_file": "/no/such.pem"}, Exception, "/no/such.pem"),
    ],
)
def test_an_error_names_the_wrong_option_of_a_client(
    kind: Any, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=re.escape(words)):
        kind(**{"url": URL, **arguments})


def test_options_may_be_paths_tuples_and_other_mappings(tmp_path: Path) -> None:
    roots = next(path for path in map(Path, _ROOTS) if path.exists())
    client = Client((URL, URL), ca_file=roots, headers=MappingProxyType({"X-A": "b: c"}))
    assert repr(client) == "<Client, idle>"
    assert repr(client.items("posts")) == "<Items of 'posts'>"
    query = MappingProxyType({"filter": MappingProxyType({"id": {"_eq": uuid.uuid4()}})})
    assert client.subscribe("posts", print, query=query).unsubscribe()
    client.close()


_ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"collection": ""}, ValueError, "collection"),
        ({"collection": None}, TypeError, "collection"),
        ({"collection": "\ud800"}, ValueError, "collection"),
        ({"callback": None}, TypeError, "callback"),
        ({"query": "x"}, TypeError, "query"),
        ({"query": []}, TypeError, "query"),
        ({"query": {"filter": {1}}}, ValueError, "query"),
        ({"query": {"filters": {}}}, ValueError, "filters.*did you mean 'filter'"),
        ({"query": {"group_by": ["id"]}}, ValueError, "did you mean 'groupBy'"),
        ({"query": {"title": {"_eq": "x"}}}, ValueError, "belongs in query"),
        ({"query": {"_and": []}}, ValueError, "belongs in query"),
        ({"query": {1: 2}}, ValueError, "use one of fields, filter"),
        ({"uid": ""}, ValueError, "uid"),
        ({"uid": 7}, TypeError, "uid"),
        ({"event": "delet"}, ValueError, "event must be one of"),
        ({"event": []}, ValueError, "event is empty"),
        ({"event": 3}, TypeError, "event must"),
        ({"event": [3]}, ValueError, "event must"),
        ({"item": True}, TypeError, "item"),
        ({"item": [1]}, TypeError, "item"),
        ({"item": 1.0}, TypeError, "item"),
        ({"item": ""}, ValueError, "item"),
        ({"primary_key": None}, TypeError, "primary_key"),
        ({"granularity": "itm"}, ValueError, "granularity"),
        ({"snapshot": "none"}, ValueError, "snapshot"),
    ],
)
def test_an_error_names_the_wrong_argument_of_subscribe(
    client: Client, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        client.subscribe(**{"collection": "posts", "callback": print, **arguments})
    assert client.get_active_subscriptions() == []


def test_an_error_names_the_wrong_argument_of_other_methods(client: Client) -> None:
    def set_on_error() -> None:
        client.on_error = 3  # type: ignore[assignment]

    calls: list[tuple[Any, type[Exception], str]] = [
        (lambda: client.on_state(3), TypeError, "on_state"),  # type: ignore[arg-type]
        (lambda: client.on_token(3), TypeError, "on_token"),  # type: ignore[arg-type]
        (set_on_error, TypeError, "on_error"),
        (lambda: client.items(""), ValueError, "collection"),
        (lambda: client.items("posts").read({"filters": {}}), ValueError, "did you mean 'filter'"),
        (lambda: client.items("posts").read(1, {"field": []}), ValueError, "did you mean 'fields'"),
        (lambda: client.items("posts").create({}, {"field": []}), ValueError, "'fields'"),
        (lambda: client.items(None), TypeError, "collection"),  # type: ignore[arg-type]
        (lambda: client.set_token(None), TypeError, "access_token"),  # type: ignore[arg-type]
        (lambda: client.set_token(""), ValueError, "access_token"),
        (lambda: client.unsubscribe(None), TypeError, "uid"),  # type: ignore[arg-type]
        (lambda: client.has_subscription(None), TypeError, "uid"),  # type: ignore[arg-type]
        (lambda: client.unsubscribe_collection(None), TypeError, "collection"),  # type: ignore[arg-type]
        (lambda: client.wait("awake"), ValueError, "state"),  # type: ignore[arg-type]
        (lambda: client.wait(timeout="1"), TypeError, "timeout"),  # type: ignore[arg-type]
        (lambda: client.request("ping"), TypeError, "message"),  # type: ignore[arg-type]
        (lambda: client.request({"type": "ping"}, timeout=0), ValueError, "timeout"),
        (lambda: dr.set_log("INFO"), TypeError, "level"),  # type: ignore[arg-type]
    ]
    for call, error, words in calls:
        with pytest.raises(error, match=words):
            call()


def test_error_messages_name_no_c_functions_or_constants(client: Client) -> None:
    for kind in ("subscribe", "unsubscribe", "auth"):
        with pytest.raises(dr.InvalidArgumentError) as refused:
            client.send_message({"type": kind, "collection": "posts"})
        assert "drt_" not in str(refused.value)
    with Client(URL) as anonymous:
        anonymous.connect()
        with pytest.raises(dr.DirectusRealtimeError) as error:
            anonymous.wait(timeout=0.5)
        assert "DRT_" not in str(error.value)


@pytest.mark.parametrize("kind", ["set", "keys", "generator", "tuple", "uuid"])
def test_several_keys_may_be_any_iterable(server: Any, options: dict[str, Any], kind: str) -> None:
    codes = [f"{kind}-{number}" for number in range(3)]
    keys: Any = {
        "set": set(codes),
        "keys": dict.fromkeys(codes).keys(),
        "generator": (code for code in codes),
        "tuple": tuple(codes),
        "uuid": codes,
    }[kind]
    with Client(server.url, **options) as client:
        client.wait(timeout=30)
        items = client.items("codes")
        items.create({"code": code} for code in codes)
        if kind == "uuid":
            thing = client.items("things").create({"title": "x"})
            assert client.items("things").read(uuid.UUID(thing["id"]))["title"] == "x"
            client.items("things").delete([uuid.UUID(thing["id"])])
        assert len(items.read(codes)) == 3
        items.delete(keys)
        assert items.read(codes) == []


@pytest.mark.parametrize("wrong", [object(), b"x", {"id": 1}, 1.0, True, [1.0], [None]])
def test_a_value_that_cannot_be_a_key_is_refused(client: Client, wrong: Any) -> None:
    items = client.items("codes")
    for call in (lambda: items.delete(wrong), lambda: items.update(wrong, {"a": 1})):
        with pytest.raises(TypeError, match="key"):
            call()


@pytest.mark.parametrize("wrong", [None, 3, "x", [3]])
def test_a_value_that_cannot_be_an_item_is_refused(client: Client, wrong: Any) -> None:
    items = client.items("codes")
    for call in (
        lambda: items.create(wrong),
        lambda: items.update("k", wrong),
        lambda: items.update_singleton(wrong),
    ):
        with pytest.raises(TypeError, match="mapping"):
            call()
    assert items.create([]) == []
