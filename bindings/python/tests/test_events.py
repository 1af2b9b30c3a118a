"""Events: how they are parsed, and that each is delivered once, in order."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from types import SimpleNamespace
from typing import Any, TypedDict, get_args

import pytest
from conftest import load_events, until
from directus_realtime import Client, Event, aio
from scripted_server import ScriptedServer

EVENTS = 10_000


class Post(TypedDict):
    id: int


def make(kind: int, data: str, meta: str = "", *, flags: int = 0) -> Event:
    record: Any = SimpleNamespace(uid="uid", collection="posts")
    begin, data_end = 1000, 1000 + len(data.encode())
    end = data_end + len(meta.encode())
    return Event(record, (7, 5, begin, data_end, end, 0, kind, flags, 1, 2), (data + meta).encode())


def test_the_data_of_an_event_is_parsed_and_its_raw_text_is_unchanged() -> None:
    data = r'{"text":"a \" ] } , [ { \\","list":[1, 2.50,{"ü":"\u00fc"}] , "n":1e3}'
    one, two = make(1, data), make(2, data, '{"filter_count":1}', flags=1)
    assert one.data == two.data == json.loads(data)
    assert one.raw == two.raw == data.encode()
    assert (one.meta, two.meta) == (None, {"filter_count": 1})
    assert (one.type, two.type, one.resync, two.resync) == ("create", "update", False, True)
    assert (one.sequence, two.index, two.count) == (5, 1, 2)


def test_the_type_of_the_data_is_for_type_checkers_and_leaves_events_as_they_are() -> None:
    assert get_args(Event[Post]) == (Post,)
    assert get_args(aio.Subscription[Post]) == (Post,)
    for event in (make(1, '{"id":1}'), pickle.loads(pickle.dumps(make(1, '{"id":1}')))):
        assert type(event) is Event
        assert (event.data, event.type) == ({"id": 1}, "create")
        # A dictionary for each event would double its size.
        assert not hasattr(event, "__dict__")


def test_an_event_that_python_cannot_parse_still_has_its_raw_text() -> None:
    number = "1" * 5000
    deep = "[" * 100_000 + "]" * 100_000
    for raw in (deep, number):
        event = make(1, raw)
        assert (event.type, event.raw, event.meta) == ("create", raw.encode(), None)
    with pytest.raises(RecursionError):
        _ = make(1, deep).data


def test_ten_thousand_events_come_once_and_in_order(scripted_server: ScriptedServer) -> None:
    seen: list[int] = []
    done = threading.Event()

    def follow(event: Event) -> None:
        if event.type == "create":
            seen.append(event.data["id"])
            assert json.loads(event.raw) == event.data
            if len(seen) == EVENTS:
                done.set()

    with Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", follow, snapshot="server")
        load_events(scripted_server, EVENTS)
        assert done.wait(60)
    assert seen == list(range(EVENTS))


def test_ten_thousand_events_come_once_and_in_order_to_asyncio(
    scripted_server: ScriptedServer,
) -> None:
    async def follow() -> list[int]:
        async with aio.Client(scripted_server.url, access_token="t") as client:
            posts = await client.subscribe("posts", snapshot="server")
            load_events(scripted_server, EVENTS)
            seen: list[int] = []
            async for event in posts:
                if event.type == "create":
                    seen.append(event.data["id"])
                    if len(seen) == EVENTS:
                        return seen
            raise AssertionError("the subscription has ended")

    assert asyncio.run(asyncio.wait_for(follow(), 60)) == list(range(EVENTS))


ROUNDS = 20


def insert(server: Any, title: str) -> None:
    """Creates one item for each event, in several batches."""
    each = EVENTS // ROUNDS
    for begin in range(0, EVENTS, each):
        rows = [{"title": title, "n": n} for n in range(begin, begin + each)]
        server.rest.request("POST", "/items/posts?fields=id", rows)


class EventChecker:
    """Checks that each event is delivered once, in order, with the server's data."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.sequence = 0
        self.numbers: list[int] = []
        self.wrong: list[str] = []

    def enter(self, event: Event) -> None:
        self.sequence += 1
        if event.sequence != self.sequence:
            self.wrong.append(f"sequence {event.sequence} after {self.sequence - 1}")
        if event.type == "create":
            item = event.data
            if item["title"] != self.title or json.loads(event.raw) != item:
                self.wrong.append(repr(event.raw))
            self.numbers.append(item["n"])

    @property
    def is_full(self) -> bool:
        return len(self.numbers) >= EVENTS

    def check(self) -> None:
        assert self.wrong == []
        assert self.numbers == list(range(EVENTS))


def test_ten_thousand_real_events_come_once_and_in_order_to_both_clients(
    server: Any, options: dict[str, Any]
) -> None:
    title = "ten thousand"
    query = {"filter": {"title": {"_eq": title}}, "fields": ["id", "title", "n"], "limit": -1}
    one, other = EventChecker(title), EventChecker(title)

    async def follow() -> None:
        loop = asyncio.get_running_loop()
        async with aio.Client(server.url, **options) as client:
            posts = await client.subscribe("posts", query=query)
            await posts.wait(30)
            inserting = loop.run_in_executor(None, insert, server, title)
            async for event in posts:
                other.enter(event)
                if other.is_full:
                    break
            await inserting

    with Client(server.url, **options) as client:
        client.subscribe("posts", one.enter, query=query).wait(30)
        asyncio.run(asyncio.wait_for(follow(), 900))
        until(lambda: one.is_full)
    one.check()
    other.check()
