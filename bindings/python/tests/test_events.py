"""Events: how they are read, and that each comes, once and in order."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import until
from directus_realtime import Client, Event, aio
from directus_realtime._events import split
from fountain import Fountain

EVENTS = 10_000


def make(*rows: str) -> list[Event]:
    record: Any = SimpleNamespace(uid="uid", collection="posts")
    return [Event(record, row) for row in split(f"[{','.join(rows)}]".encode(), len(rows))]


def test_data_is_parsed_and_raw_is_untouched() -> None:
    data = r'{"text":"a \" ] } , [ { \\","list":[1, 2.50,{"ü":"\u00fc"}] , "n":1e3}'
    one, two = make(f"[7,1,0,1,0,2,{data}]", f'[7,2,1,2,1,2,{data},{{"filter_count":1}}]')
    assert one.data == two.data == json.loads(data)
    assert one.raw == two.raw == data.encode()
    assert (one.meta, two.meta) == (None, {"filter_count": 1})
    assert (one.type, two.type, one.resync, two.resync) == ("create", "update", False, True)
    assert (one.sequence, two.index, two.count) == (1, 1, 2)


def test_what_is_too_much_for_python_spoils_itself_only() -> None:
    number = "1" * 5000
    deep = "[" * 100_000 + "]" * 100_000
    rows = make("[7,0,0,1,0,1,[1]]", f"[7,1,0,2,0,1,{deep}]", "[7,3,0,3,0,1,{},null]")
    assert [event.type for event in rows] == ["init", "create", "delete"]
    assert (rows[0].data, rows[2].data, rows[2].raw) == ([1], {}, b"{}")
    assert rows[1].raw == deep.encode()
    with pytest.raises(RecursionError):
        _ = rows[1].data
    (event,) = make(f"[7,1,0,1,0,1,{number}]")
    assert event.raw == number.encode()


def test_ten_thousand_events_come_once_and_in_order(fountain: Fountain) -> None:
    seen: list[int] = []
    done = threading.Event()

    def follow(event: Event) -> None:
        if event.type == "create":
            seen.append(event.data["id"])
            assert json.loads(event.raw) == event.data
            if len(seen) == EVENTS:
                done.set()

    with Client(fountain.url, access_token="t") as client:
        client.subscribe("posts", follow, snapshot="server")
        fountain.pour(EVENTS)
        assert done.wait(60)
    assert seen == list(range(EVENTS))


def test_ten_thousand_events_come_once_and_in_order_to_asyncio(fountain: Fountain) -> None:
    async def follow() -> list[int]:
        async with aio.Client(fountain.url, access_token="t") as client:
            posts = await client.subscribe("posts", snapshot="server")
            fountain.pour(EVENTS)
            seen: list[int] = []
            async for event in posts:
                if event.type == "create":
                    seen.append(event.data["id"])
                    if len(seen) == EVENTS:
                        return seen
            raise AssertionError("the subscription has ended")

    assert asyncio.run(asyncio.wait_for(follow(), 60)) == list(range(EVENTS))


def test_a_thousand_real_events_are_what_the_server_has(
    server: Any, options: dict[str, Any]
) -> None:
    seen: dict[int, int] = {}
    with Client(server.url, **options) as client:

        def follow(event: Event) -> None:
            if event.type == "create" and event.data["title"] == "thousand":
                assert event.data["id"] not in seen
                seen[event.data["id"]] = event.data["n"]

        client.subscribe("posts", follow).wait(30)
        for begin in range(0, 1000, 200):
            rows = [{"title": "thousand", "n": n} for n in range(begin, begin + 200)]
            server.rest.create("posts", rows)
        until(lambda: len(seen) == 1000)
    there = {
        item["id"]: item["n"] for item in server.rest.read("posts") if item["title"] == "thousand"
    }
    assert seen == there
