"""Code that type checkers must accept; it is never run."""

from __future__ import annotations

from typing import Any, TypedDict

import directus_realtime as dr
from directus_realtime import aio
from typing_extensions import assert_type


class Post(TypedDict):
    id: int
    title: str


def live() -> None:
    def show(update: dr.LiveUpdate[Post]) -> None:
        for change in update.changes:
            title: str = change.row["title"]
            print(change.kind, change.key, title, change.old_index, change.new_index)
        print(update.status, update.revision, update.error)

    with dr.Client("http://localhost:8055") as client, client.scope() as scope:
        posts: dr.Live[Post] = client.live("posts", query={"sort": ["-id"]}, on_change=show)
        posts.wait(timeout=5)
        titles: list[str] = [post["title"] for post in posts]
        first: Post = posts[0]
        some: list[Post] = posts[2:5]
        one: Post | None = posts.get(3)
        status: dr.LiveStatus = posts.status
        equal: bool = posts.verify(timeout=5).equal
        untyped = scope.live("posts", depends_on=["authors"], verify=None, persistent=True)
        row: dict[str, Any] = untyped[0]
        print(titles, first, some, one, status, equal, row, list(posts.keys()), posts.close())


def synchronous() -> None:
    def show(event: dr.Event) -> None:
        kind: str = event.type
        data: Any = event.data
        raw: bytes = event.raw
        change: bool = event.is_change
        print(kind, data, raw, event.sequence + event.index, event.resync, event.ended, change)

    with dr.Client("http://localhost:8055", access_token="…") as client, client.scope() as scope:
        handler: dr.Subscription = scope.subscribe(
            "posts", show, query={"filter": {"status": {"_eq": "published"}}}, uid="posts"
        )
        handler.wait(timeout=5)
        client.subscribe("notifications", show, persistent=True, event=["create"], item=3)
        client.subscribe("posts", show, event="create", changes_only=True)
        client.on_state(lambda change: print(change.state, change.reason, change.error))
        client.on_token(lambda error: None if error is None else "token")
        client.on_error = print
        uids: list[str] = [subscription.uid for subscription in client.get_active_subscriptions()]
        answer: dict[str, Any] = client.request({"type": "ping"}, timeout=2.5)
        connected: bool = client.is_connected and client.state == "connected"
        ended: int = client.unsubscribe_all() + client.unsubscribe_collection("posts")
        print(uids, answer, connected, ended, client.items("posts").read({"limit": 1}))
        print(client.stats.events, client.has_subscription("posts"), handler.unsubscribe())


async def asynchronous() -> None:
    async def show(event: dr.Event) -> None:
        print(event.type)

    async with aio.Client(["ws://a/websocket", "ws://b/websocket"]) as client:
        posts: aio.Subscription = await client.subscribe("posts")
        async with client.scope() as scope:
            await scope.subscribe("posts", show, uid="posts")
        async for event in posts:
            print(event.data)
        await client.wait("connected", timeout=1)
        await client.run()
        print(await client.items("posts").create({"title": "…"}))
        print(await client.request({"type": "ping"}))


def typed_events() -> None:
    def show(event: dr.Event[Post]) -> None:
        assert_type(event.data, Post)
        log(event)

    def log(event: dr.Event[object]) -> None:
        print(event.type, event.raw)

    def untyped(event: dr.Event) -> None:
        assert_type(event.data, Any)

    with dr.Client("http://localhost:8055") as client, client.scope() as scope:
        client.subscribe("posts", show, event=["create", "update"], changes_only=True)
        scope.subscribe("posts", untyped)
        scope.subscribe("posts", log)


async def typed_events_on_a_loop() -> None:
    def show(event: dr.Event[Post]) -> None:
        print(event.data["title"])

    async def show_later(event: dr.Event[Post]) -> None:
        print(event.data["title"])

    async with aio.Client("http://localhost:8055") as client, client.scope() as scope:
        posts: aio.Subscription[Post] = await client.subscribe("posts", changes_only=True)
        async for event in posts:
            assert_type(event, dr.Event[Post])
        assert_type(await scope.subscribe("posts", show), aio.Subscription[Post])
        assert_type(await scope.subscribe("posts", show_later), aio.Subscription[Post])
        untyped: aio.Subscription = await scope.subscribe("posts")
        async for change in untyped:
            assert_type(change.data, Any)


async def live_on_a_loop() -> None:
    async def show(update: dr.LiveUpdate[Post]) -> None:
        print(update.changes)

    async with aio.Client("http://localhost:8055") as client, client.scope() as scope:
        posts: aio.Live[Post] = client.live("posts", on_change=show)
        await posts.ready(timeout=5)
        async for update in posts:
            print(len(update.changes), posts[0]["title"])
        print((await posts.verify()).equal)
        untyped = scope.live("posts")
        async for change in untyped:
            row: dict[str, Any] = change.changes[0].row
            print(row)
