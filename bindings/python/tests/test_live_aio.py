"""Live collections of the asyncio client."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import collected
from directus_realtime import LiveUpdate, aio
from loops import until
from scripted_server import ScriptedServer
from test_live import answer, of, title

__all__ = ["title"]


def test_the_rows_are_the_servers(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    query = of(title, sort=["-id"])

    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            items = client.items("posts")
            posts = client.live("posts", query=query, uid="mine")
            await posts.ready(30)
            assert (posts.status, posts.uid, posts[:]) == ("current", "mine", [])
            made = [await items.create({"title": title}) for _ in range(3)]
            await until(lambda: len(posts) == 3)
            assert list(posts.keys()) == [post["id"] for post in made][::-1]
            kept = posts.get(made[0]["id"])
            await items.update(made[1]["id"], {"status": "b"})
            await until(lambda: posts[1]["status"] == "b")
            assert posts[2] is kept
            assert await posts.verify(30) == dr.Verification(equal=True, rows=3)
            assert client.get_active_subscriptions() == [posts]
            assert posts[:] == await asyncio.to_thread(answer, server, "posts", query)
        assert (posts.status, len(posts)) == ("ended", 3)

    run(scenario)


def test_each_iteration_gets_the_updates_from_its_beginning_on(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            items = client.items("posts")
            posts = client.live("posts", query=of(title))
            first = aiter_of(posts)
            assert [(update.status, update.changes) for update in [await first()]] == [
                ("current", [])
            ]
            a = await items.create({"title": title, "status": "a"})
            await until(lambda: len(posts) == 1)
            second = aiter_of(posts)
            b = await items.create({"title": title, "status": "b"})
            assert [change.row["id"] for change in (await first()).changes] == [a["id"]]
            assert [change.row["id"] for change in (await first()).changes] == [b["id"]]
            assert [change.row["id"] for change in (await second()).changes] == [b["id"]]
            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0)
            assert posts.close()
            with pytest.raises(StopAsyncIteration):
                await waiting
            async for _ in posts:
                raise AssertionError

    run(scenario)


def aiter_of(live: aio.Live) -> Any:
    """What returns the next update of a new iteration."""
    return live.__aiter__().__anext__


def test_updates_that_no_iteration_waits_for_are_not_held(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            posts = client.live("posts", query=of(title))
            await posts.ready(30)
            left = posts.__aiter__()
            for count in range(1, 4):
                await client.items("posts").create({"title": title})
                await until(lambda count=count: len(posts) == count)
            assert client._flow.held > 0
            del left
            await until(lambda: client._flow.held == 0)

    run(scenario)


def test_an_iteration_that_is_behind_lets_the_library_wait(
    run: Any, server: Any, options: dict[str, Any], title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directus_realtime.aio._flow_control._MOST_HELD", 0)

    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            posts = client.live("posts", query=of(title, sort=["id"]))
            # An application that waits for the rows is not held up by an iteration of its own.
            updates = posts.__aiter__()
            await posts.ready(30)
            write = client.items("posts").create
            writers = [asyncio.ensure_future(write({"title": title})) for _ in range(5)]
            mirror: list[Any] = []
            while len(mirror) < 5:
                for change in (await updates.__anext__()).changes:
                    assert change.kind == "added"
                    mirror.insert(change.new_index or 0, change.row)
            await asyncio.gather(*writers)
            assert mirror == posts[:]

    run(scenario)


def test_coroutines_are_called_one_after_the_other(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    async def scenario() -> None:
        seen: list[Any] = []
        running = 0

        async def slowly(update: LiveUpdate) -> None:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(0.01)
            running -= 1
            seen.extend(change.key for change in update.changes)

        async with aio.Client(server.url, **options) as client:
            client.live("posts", query=of(title), uid="u", on_change=slowly)
            posts = client.live("posts", uid="u")
            await posts.ready(30)
            made = [(await client.items("posts").create({"title": title}))["id"] for _ in range(3)]
            await until(lambda: seen == made)
            plain: list[LiveUpdate] = []
            posts.on_change(plain.append)
            await client.items("posts").delete(made)
            await until(lambda: sum(len(update.changes) for update in plain) == 3)
            assert seen == made
            posts.on_change(None)
            await client.items("posts").create({"title": title})
            await until(lambda: len(posts) == 1)
            assert len(plain) <= 3

    run(scenario)


def test_an_iteration_raises_the_refusal(run: Any, server: Any, options: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            refused = client.live("no_such_collection", uid="no")
            with pytest.raises(dr.ServerError, match=r"live collection 'no'.*FORBIDDEN"):
                async for update in refused:
                    assert update.changes == []
            with pytest.raises(dr.ServerError, match="FORBIDDEN"):
                await refused.ready(30)
            async for _ in refused:
                raise AssertionError
            assert client.get_active_subscriptions() == []

    run(scenario)


def test_an_iteration_raises_why_the_client_has_failed(run: Any, strict: ScriptedServer) -> None:
    async def scenario() -> None:
        async with aio.Client(strict.url, access_token="wrong") as client:
            posts = client.live("posts")
            with pytest.raises(dr.AuthenticationError):
                async for _ in posts:
                    pass
            with pytest.raises(dr.AuthenticationError):
                await posts.ready(30)

    run(scenario)


@pytest.fixture
def strict() -> Iterator[ScriptedServer]:
    """A server that lets a single user in."""
    server = ScriptedServer(tokens=["right"])
    yield server
    server.close()


def test_ready_says_why_there_are_no_rows(run: Any, scripted_server: ScriptedServer) -> None:
    async def scenario() -> None:
        async with aio.Client(scripted_server.url, access_token="t") as client:
            posts = client.live("posts")
            with pytest.raises(dr.TimeoutError, match="current"):
                await posts.ready(0.2)
            with pytest.raises(dr.TimeoutError):
                await posts.verify(0.2)
            begun = time.monotonic()
            waiting = asyncio.ensure_future(posts.ready())
            await asyncio.sleep(0.05)
            posts.close()
            with pytest.raises(dr.ClosedError):
                await waiting
            assert time.monotonic() - begun < 30

    run(scenario)


def test_a_scope_ends_it_and_waits_for_its_callback(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    async def scenario() -> None:
        began, cancelled = asyncio.Event(), asyncio.Event()

        async def slowly(update: LiveUpdate) -> None:
            began.set()
            try:
                await asyncio.sleep(60)
            finally:
                cancelled.set()

        async with aio.Client(server.url, **options) as client:
            async with client.scope() as scope:
                posts = scope.live("posts", query=of(title), on_change=slowly)
                await began.wait()
            assert cancelled.is_set()
            assert posts.ended
            with pytest.raises(dr.ClosedError):
                scope.live("posts")

    run(scenario)


def test_an_object_whose_method_is_the_callback_is_garbage(
    run: Any, server: Any, options: dict[str, Any], title: str
) -> None:
    class Screen:
        def __init__(self, client: aio.Client) -> None:
            self.scope = client.scope()
            self.posts: aio.Live = self.scope.live("posts", query=of(title), on_change=self.show)

        async def show(self, update: LiveUpdate) -> None:
            """Called with each update."""

    async def scenario() -> None:
        async with aio.Client(server.url, **options) as client:
            screen = Screen(client)
            await screen.posts.ready(30)
            dead = weakref.ref(screen)
            del screen
            await until(lambda: collected(dead))
            await until(lambda: client.get_active_subscriptions() == [])

    run(scenario)
