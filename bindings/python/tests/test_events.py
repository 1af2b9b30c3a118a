"""Events: how they are parsed, and that each is delivered once, in order."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import load_events, until
from directus_realtime import Client, Event, _rows, aio
from directus_realtime._rows import REPLY, STATE, OtherRow, split
from scripted_server import ScriptedServer

EVENTS = 10_000


def make(*rows: str) -> list[Event]:
    record: Any = SimpleNamespace(uid="uid", collection="posts")
    text = f"[{','.join(f'[0,{row}]' for row in rows)}]".encode()
    return [Event(record, row) for row in split(text, len(rows), only_events=True)]  # type: ignore[arg-type]


def test_the_data_of_an_event_is_parsed_and_its_raw_text_is_unchanged() -> None:
    data = r'{"text":"a \" ] } , [ { \\","list":[1, 2.50,{"ü":"\u00fc"}] , "n":1e3}'
    one, two = make(f"7,1,0,1,0,2,{data},null", f'7,2,1,2,1,2,{data},{{"filter_count":1}}')
    assert one.data == two.data == json.loads(data)
    assert one.raw == two.raw == data.encode()
    assert (one.meta, two.meta) == (None, {"filter_count": 1})
    assert (one.type, two.type, one.resync, two.resync) == ("create", "update", False, True)
    assert (one.sequence, two.index, two.count) == (1, 1, 2)


def test_an_event_that_python_cannot_parse_does_not_affect_others() -> None:
    number = "1" * 5000
    deep = "[" * 100_000 + "]" * 100_000
    rows = make("7,0,0,1,0,1,[1],null", f"7,1,0,2,0,1,{deep},null", "7,3,0,3,0,1,{},null")
    assert [event.type for event in rows] == ["init", "create", "delete"]
    assert (rows[0].data, rows[2].data, rows[2].raw) == ([1], {}, b"{}")
    assert rows[1].raw == deep.encode()
    with pytest.raises(RecursionError):
        _ = rows[1].data
    (event,) = make(f"7,1,0,1,0,1,{number},null")
    assert event.raw == number.encode()


EVENT = '[0,7,1,0,1,0,1,{"a":[[1,2],[4,5]]},null]'
LOOKS_LIKE_ROWS = r'[0,7,1,0,2,0,1,"],[0,7,1,0,9,0,1,],[1,3,0,\\",[[0],[1,2]],null]'
OTHERS = ['[1,3,0,"a \\"],[4,5]"]', '[3,8,0,{"a":[[1],[2,3]]},""]', "[4,8]", "[2,-9]"]


@pytest.mark.parametrize("event", [EVENT, LOOKS_LIKE_ROWS, EVENT.replace("[[1,2],[4,5]]", "7")])
@pytest.mark.parametrize("others", [[], OTHERS[2:], OTHERS])
def test_rows_are_split_whatever_is_in_them(event: str, others: list[str]) -> None:
    rows = [event, *others, event]
    found = split(f"[{','.join(rows)}]".encode(), len(rows), only_events=not others)
    parts = event[1:-1].encode().split(b",", 7)[1:]
    assert found[0] == found[-1] == parts
    expected = [OtherRow(int(row[1]), row[3:-1].encode()) for row in others]
    assert found[1:-1] == expected
    assert [row.values() for row in expected if row.kind in (STATE, REPLY)] == [
        [3, 0, 'a "],[4,5]'],
        [8, 0, {"a": [[1], [2, 3]]}, ""],
    ][: len(others) // 2 if len(others) > 2 else 0]


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
    server: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The quick way must split all of these events.
    monkeypatch.setattr(_rows, "_split_token_by_token", lambda text: [])
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
