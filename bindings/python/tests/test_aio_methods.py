"""Every method of the asyncio client, against both lines of the server."""

from __future__ import annotations

import asyncio
import gc
import os
import uuid
from typing import Any

import directus_realtime as dr
import pytest
from directus_realtime import Event, State
from directus_realtime.aio import Client
from loops import until


@pytest.fixture(params=["12.4.0", "11.17.4"])
def either(request: pytest.FixtureRequest) -> Any:
    """A server of each line."""
    return request.getfixturevalue("server" if request.param == "12.4.0" else "old_server")


def test_asyncio_subscriptions_end_by_uid_collection_and_all(
    run: Any, either: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(either.url, **options) as client:
            for collection, uid in [
                ("posts", "a"),
                ("posts", "b"),
                ("authors", "c"),
                ("codes", "d"),
            ]:
                await client.subscribe(collection, lambda event: None, uid=uid)
            lasting = await client.subscribe(
                "posts", print, uid="e", persistent=True, event="delete"
            )
            assert client.has_subscription("a")
            assert client.unsubscribe("a") is True
            assert client.unsubscribe("a") is False
            assert not client.has_subscription("a")
            assert client.unsubscribe_collection("posts") == 1
            assert client.unsubscribe_all() == 2
            assert client.get_active_subscriptions() == [lasting]
            assert client.unsubscribe("e")
            assert lasting.ended

    run(scenario)


def test_an_asyncio_client_reconnects_after_disconnect_and_resyncs(
    run: Any, either: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        states: list[State] = []
        async with Client(either.url, **options) as client:
            client.on_state(lambda change: states.append(change.state))
            posts = await client.subscribe("posts", query={"limit": 1})
            assert not (await posts.__anext__()).resync
            posts.resync()
            assert (await asyncio.wait_for(posts.__anext__(), 30)).resync
            client.send_message({"type": "shout", "text": "ü"})
            client.disconnect()
            await client.wait("idle", 30)
            with pytest.raises(dr.NotConnectedError):
                await client.request({"type": "ping"})
            client.reconnect()
            await client.wait(timeout=30)
            event = await asyncio.wait_for(posts.__anext__(), 30)
            assert (event.type, event.resync) == ("init", True)
            client.set_token(either.rest.token)
            assert (await client.request({"type": "ping"}))["type"] == "pong"
            assert client.stats.connects == 2
        assert states[-1] is State.CLOSED

    run(scenario)


def test_asyncio_items_are_created_read_updated_and_deleted(
    run: Any, either: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        marker = str(uuid.uuid4())
        async with Client(either.url, **options) as client:
            await client.wait(timeout=30)
            posts = client.items("posts")
            one = await posts.create({"title": marker})
            two = await posts.create(
                [{"title": marker, "n": n} for n in (1, 2)], {"fields": ["id"]}
            )
            keys = [item["id"] for item in two]
            assert (await posts.read(one["id"]))["title"] == marker
            assert len(await posts.read(keys)) == 2
            assert len(await posts.read({"filter": {"title": {"_eq": marker}}})) == 3
            assert (await posts.update(one["id"], {"n": 9}))["n"] == 9
            assert [item["n"] for item in await posts.update(keys, {"n": 8})] == [8, 8]
            await posts.delete({one["id"], *keys})
            assert await posts.read(query={"filter": {"title": {"_eq": marker}}}) == []
            settings = client.items("settings_one")
            await settings.update_singleton({"title": marker})
            assert (await settings.read())["title"] == marker
            assert await posts.delete([]) is None
            assert await posts.read([]) == await posts.create([]) == []

    run(scenario)


def test_a_refused_asyncio_subscription_raises_the_reason_and_others_continue(
    run: Any, either: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(either.url, **options) as client:
            good = await client.subscribe("posts", query={"limit": 1})
            bad = await client.subscribe("posts", query={"filter": {"nonsense": {"_eq": 1}}})
            with pytest.raises(dr.ServerError):
                await bad.wait(30)
            await good.wait(30)
            assert [s.uid for s in client.get_active_subscriptions()] == [good.uid]
            assert (await good.__anext__()).type == "init"
            made = await client.items("posts").create({"title": "both lines"})
            event = await asyncio.wait_for(good.__anext__(), 30)
            assert (event.type, event.data["id"]) == ("create", made["id"])

    run(scenario)


def test_a_restart_of_the_server_is_followed_by_a_resync_on_asyncio(
    own_server: Any, options: dict[str, Any]
) -> None:
    rows: dict[int, str] = {}
    resyncs: list[int] = []

    def follow(event: Event) -> None:
        if event.type == "init":
            rows.clear()
            rows.update({item["id"]: item["title"] for item in event.data})
            if event.resync:
                resyncs.append(event.sequence)
        elif event.type == "delete":
            rows.pop(event.data["id"], None)
        else:
            rows[event.data["id"]] = event.data["title"]

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with Client(own_server.url, **options) as client:
            await (await client.subscribe("posts", follow, query={"limit": -1})).wait(30)
            await client.items("posts").create({"title": "before"})
            await until(lambda: rows)
            await loop.run_in_executor(None, own_server.kill)
            await loop.run_in_executor(None, own_server.start)
            for title in ("after", "again"):
                own_server.rest.create("posts", {"title": title})
            await until(lambda: resyncs and sorted(rows.values()) == ["after", "again", "before"])

    asyncio.run(scenario())


def test_a_thousand_asyncio_scopes_leave_no_memory_behind(
    server: Any, options: dict[str, Any]
) -> None:
    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def scenario() -> None:
        async def open_and_close(times: int) -> None:
            for number in range(times):
                async with client.scope() as scope:
                    await scope.subscribe("posts", query={"limit": number % 3})
                    await scope.subscribe("posts", lambda event: None)
                await asyncio.sleep(0)
            gc.collect()
            await until(
                lambda: (
                    client.stats.subscriptions == 1
                    and len(client._core.incoming.registrations) < 50
                )
            )

        async with Client(server.url, **options) as client:
            await (await client.subscribe("posts", lambda event: None)).wait(30)
            await open_and_close(200)
            before, objects = resident(), len(gc.get_objects())
            await open_and_close(1000)
            gc.collect()
            assert len(gc.get_objects()) - objects < 2000
            assert resident() - before < 8 << 20

    asyncio.run(scenario())
