"""Live collections of the synchronous client."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
import urllib.parse
import uuid
import weakref
from collections.abc import Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import collected, until
from directus_realtime import Client, Live, LiveUpdate
from directus_realtime._options import live_options
from scripted_server import ScriptedServer

#: The rows are the server's when it has been quiet for so long.
QUIET_SECONDS = 2.0


def answer(server: Any, collection: str, query: dict[str, Any]) -> Any:
    """The rows with which the server answers."""
    words = {"limit": -1, **query}
    for name, value in words.items():
        if isinstance(value, list):
            words[name] = ",".join(value)
        elif isinstance(value, dict):
            words[name] = json.dumps(value)
    return server.rest.request("GET", f"/items/{collection}?{urllib.parse.urlencode(words)}")


@pytest.fixture
def title(server: Any) -> Iterator[str]:
    """A title for the posts of one test, which are deleted in the end."""
    name = f"live {uuid.uuid4()}"
    yield name
    left = answer(server, "posts", of(name))
    for post in left:
        server.rest.delete("posts", post["id"])


def of(title: str, **more: Any) -> dict[str, Any]:
    """The query for the posts of a test."""
    return {
        "filter": {"title": {"_starts_with": title}},
        "fields": ["id", "title", "status"],
        **more,
    }


def test_the_rows_are_the_servers(server: Any, options: dict[str, Any], title: str) -> None:
    query = of(title, sort=["-id"])
    ids = [server.rest.create("posts", {"title": title, "status": "a"})["id"] for _ in range(3)]
    with Client(server.url, **options) as client:
        posts = client.live("posts", query=query, uid="mine")
        posts.wait(30)
        assert (posts.status, posts.uid, posts.collection) == ("current", "mine", "posts")
        assert posts[:] == answer(server, "posts", query)
        assert [post["id"] for post in posts] == ids[::-1] == list(posts.keys())
        assert len(posts) == len(posts.keys()) == 3
        assert posts and posts[0] is posts[-3]
        assert posts[0] in posts and {"id": 0} not in posts
        assert posts.index(posts[1]) == 1 and posts.count(posts[1]) == 1
        assert list(reversed(posts)) == posts[::-1]
        assert posts.get(ids[0]) is posts.get(str(ids[0])) is posts[2]
        assert posts.get(0) is None
        keys = posts.keys()
        assert ids[0] in keys and 0 not in keys
        with pytest.raises(IndexError):
            posts[3]
        kept = posts[2]
        server.rest.update("posts", ids[1], {"status": "b"})
        until(lambda: posts[1]["status"] == "b")
        server.rest.update("posts", ids[2], {"title": "another"})
        until(lambda: len(posts) == 2)
        assert posts[1] is kept
        assert posts[:] == answer(server, "posts", query)
        assert posts.verify(30) == dr.Verification(equal=True, rows=2)
    assert (posts.status, len(posts), posts.ended) == ("ended", 2, True)


def test_updates_tell_what_has_changed(server: Any, options: dict[str, Any], title: str) -> None:
    updates: list[LiveUpdate] = []
    with Client(server.url, **options) as client:
        posts = client.live("posts", query=of(title, sort=["status"]), on_change=updates.append)
        posts.wait(30)
        assert [(update.status, update.changes) for update in updates] == [("current", [])]
        ids = {}
        for count, status in enumerate("abd", 1):
            ids[status] = server.rest.create("posts", {"title": title, "status": status})["id"]
            until(lambda count=count: len(posts) == count)
        a, b, d = ids.values()
        server.rest.update("posts", a, {"status": "c"})
        until(lambda: posts[1]["id"] == a)
        server.rest.delete("posts", b)
        until(lambda: len(updates) == 6)
    told = [
        (change.kind, change.key, change.row["status"], change.old_index, change.new_index)
        for update in updates
        for change in update.changes
    ]
    assert told == [
        ("added", a, "a", None, 0),
        ("added", b, "b", None, 1),
        ("added", d, "d", None, 2),
        ("modified", a, "c", 0, 1),
        ("removed", b, "b", 0, None),
    ]
    assert [update.revision for update in updates] == [0, 1, 2, 3, 4, 5]
    assert "revision" not in repr(updates) and "current" in repr(updates[0])


def test_a_callback_sees_the_rows_that_its_update_has_left(
    server: Any, options: dict[str, Any], title: str
) -> None:
    seen: list[tuple[int, int]] = []

    def show(update: LiveUpdate) -> None:
        seen.append((len(posts), update.revision))

    with Client(server.url, **options, thread=False) as client:
        posts = client.live("posts", query=of(title))
        posts.on_change(show)
        posts.wait(30)
        for count in range(1, 4):
            server.rest.create("posts", {"title": title})
            while len(posts) < count:
                client.dispatch(timeout=1)
        posts.on_change(None)
        server.rest.create("posts", {"title": title})
        while len(posts) < 4:
            client.dispatch(timeout=1)
    assert seen == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_after_a_gap_only_differences_are_told(
    server: Any, options: dict[str, Any], title: str
) -> None:
    rest, query = server.rest, of(title, sort=["id"])
    ids = [rest.create("posts", {"title": title, "status": "a"})["id"] for _ in range(5)]
    updates: list[LiveUpdate] = []
    with Client(server.url, **options) as client:
        posts = client.live("posts", query=query, on_change=updates.append)
        posts.wait(30)
        kept, count = posts[4], len(updates)
        client.disconnect()
        until(lambda: posts.status == "stale")
        rest.update("posts", ids[0], {"status": "b"})
        rest.delete("posts", ids[1])
        rest.create("posts", {"title": title, "status": "new"})
        client.connect()
        posts.wait(30)
        assert posts[:] == answer(server, "posts", query)
        assert posts[3] is kept
    changes = [change for update in updates[count:] for change in update.changes]
    assert sorted(change.kind for change in changes) == ["added", "modified", "removed"]


def test_with_writers_the_rows_are_those_of_the_database(
    server: Any, options: dict[str, Any], title: str
) -> None:
    query = of(title, sort=["-status", "title"], limit=30)
    query["filter"]["status"] = {"_in": ["a", "b"]}
    mirror: list[Any] = []
    wrong: list[BaseException] = []

    def fold(update: LiveUpdate) -> None:
        for change in update.changes:
            if change.old_index is not None:
                mirror.pop(change.old_index)
            if change.new_index is not None:
                mirror.insert(change.new_index, change.row)
        assert mirror == posts[:]

    def write(number: int) -> None:
        rest, choose, mine = server.rest, random.Random(number), []
        for n in range(40):
            what = choose.random()
            # No two rows have the same place: the server's order would be undefined.
            values = {"title": f"{title} {n % 7} {number} {n}", "status": choose.choice("abc")}
            if what < 0.5 or not mine:
                mine.append(rest.create("posts", values)["id"])
            elif what < 0.85:
                rest.update("posts", choose.choice(mine), values)
            else:
                rest.delete("posts", mine.pop(choose.randrange(len(mine))))

    with Client(server.url, **options) as client:
        client.on_error = wrong.append
        posts = client.live("posts", query=query)
        posts.wait(30)
        posts.on_change(fold)
        for first in (0, 2):
            writers = [threading.Thread(target=write, args=(first + n,)) for n in range(2)]
            for writer in writers:
                writer.start()
            while any(writer.is_alive() for writer in writers):
                # Readers on other threads see one moment.
                shown = list(posts)
                assert len({row["id"] for row in shown}) == len(shown) <= 30
                time.sleep(0.001)
            if first:
                client.reconnect()
                posts.wait(30)
            time.sleep(QUIET_SECONDS)
            assert posts[:] == mirror == answer(server, "posts", query)
        assert posts.verify(30).equal
    assert wrong == []


def test_what_no_event_tells_of_is_found_on_demand(
    server: Any, options: dict[str, Any], title: str
) -> None:
    made = server.rest.create("posts", {"title": title, "status": "a"})["id"]

    def write(status: str) -> None:
        with contextlib.closing(sqlite3.connect(server.folder / "data.db")) as database, database:
            database.execute("UPDATE posts SET status = ? WHERE id = ?", [status, made])

    with Client(server.url, **options) as client:
        posts = client.live("posts", query=of(title))
        posts.wait(30)
        write("b")
        found = posts.verify(30)
        assert found == dr.Verification(equal=False, rows=1, modified=1)
        assert posts[0]["status"] == "b"
        write("c")
        posts.resync()
        until(lambda: posts[0]["status"] == "c")
        posts.close()
        with pytest.raises(dr.ClosedError):
            posts.resync()


def test_rows_of_a_relation_follow_depends_on(
    server: Any, options: dict[str, Any], title: str
) -> None:
    author = server.rest.create("authors", {"name": "Ann"})["id"]
    server.rest.create("posts", {"title": title, "author": author})
    query = of(title, fields=["id", "author.name"])
    with Client(server.url, **options) as client:
        posts = client.live("posts", query=query, depends_on=["authors"])
        posts.wait(30)
        assert posts[0]["author"]["name"] == "Ann"
        server.rest.update("authors", author, {"name": "Bea"})
        until(lambda: posts[0]["author"]["name"] == "Bea")


def test_a_refusal_is_raised_and_told(server: Any, options: dict[str, Any]) -> None:
    updates: list[LiveUpdate] = []
    with Client(server.url, **options) as client:
        refused = client.live("no_such_collection", uid="no", on_change=updates.append)
        with pytest.raises(dr.ServerError, match=r"the live collection 'no'.*FORBIDDEN"):
            refused.wait(30)
        with pytest.raises(dr.ServerError, match="FORBIDDEN"):
            refused.verify(30)
        until(lambda: [update.ended for update in updates] == [True])
        assert (refused.status, refused.ended) == ("ended", True)
        assert refused.error is not None and refused.error["code"] == "FORBIDDEN"
        assert client.get_active_subscriptions() == []
        assert not client.has_subscription("no")
        assert not refused.close()
        until(lambda: not client._core.incoming.registrations)


@pytest.mark.parametrize("never", [None, 0, 0.0])
def test_none_and_zero_are_never(never: float | None) -> None:
    rest: dict[str, Any] = {"query": None, "persistent": False, "primary_key": "id"}
    options = live_options("posts", "mine", verify=never, depends_on=(), **rest)
    assert options.verify_ms == 2**32 - 1


def test_the_uid_of_another_collections_live_collection_is_refused(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t") as client:
        posts = client.live("posts", uid="mine")
        assert client.live("posts", uid="mine").uid == posts.uid
        with pytest.raises(dr.InvalidArgumentError, match='of "posts": use another'):
            client.live("authors", uid="mine")
        assert [each.uid for each in client.get_active_subscriptions()] == ["mine"]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"collection": ""}, dr.InvalidArgumentError, "collection"),
        ({"collection": 3}, TypeError, "collection"),
        ({"query": {"aggregate": {"count": "*"}}}, dr.InvalidArgumentError, "aggregate"),
        ({"query": {"fields": ["title"]}}, dr.InvalidArgumentError, "primary key"),
        ({"query": {"filtr": {}}}, dr.InvalidArgumentError, "filter"),
        ({"query": []}, TypeError, "query"),
        ({"depends_on": [""]}, dr.InvalidArgumentError, "depends_on"),
        ({"depends_on": ["a,b"]}, dr.InvalidArgumentError, "depends_on"),
        ({"depends_on": [3]}, TypeError, "depends_on"),
        ({"depends_on": 3}, TypeError, "depends_on"),
        ({"verify": -1}, dr.InvalidArgumentError, "verify"),
        ({"verify": "often"}, TypeError, "verify"),
        ({"on_change": 3}, TypeError, "on_change"),
        ({"uid": "taken"}, dr.InvalidArgumentError, "uid"),
    ],
)
def test_wrong_arguments_are_named(
    scripted_server: ScriptedServer, arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", print, uid="taken")
        with pytest.raises(kind, match=words):
            client.live(**{"collection": "posts", **arguments})
        assert [each.uid for each in client.get_active_subscriptions()] == ["taken"]


def test_a_uid_is_either_of_a_subscription_or_of_a_live_collection(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t") as client:
        first = client.live("posts", uid="x")
        assert client.live("posts", uid="x") == first
        with pytest.raises(dr.InvalidArgumentError, match="live collection"):
            client.subscribe("posts", print, uid="x")


def ends_it(how: str, client: Client, scope: dr.Scope, live: Live) -> Any:
    return {
        "close": live.close,
        "unsubscribe": live.unsubscribe,
        "by uid": lambda: client.unsubscribe(live.uid),
        "by collection": lambda: client.unsubscribe_collection("posts"),
        "all": client.unsubscribe_all,
        "scope": scope.close,
        "client": client.close,
    }[how]()


@pytest.mark.parametrize(
    "how", ["close", "unsubscribe", "by uid", "by collection", "all", "scope", "client"]
)
def test_it_ends_in_all_the_ways_of_a_subscription(
    server: Any, options: dict[str, Any], how: str, title: str
) -> None:
    updates: list[LiveUpdate] = []
    server.rest.create("posts", {"title": title})
    with Client(server.url, **options) as client:
        scope = client.scope()
        posts = scope.live("posts", query=of(title), on_change=updates.append)
        kept = client.live("posts", query=of(title), persistent=True)
        for each in (posts, kept):
            each.wait(30)
        assert client.get_active_subscriptions() == [posts, kept]
        ends_it(how, client, scope, posts)
        count = len(updates)
        assert (posts.status, len(posts)) == ("ended", 1)
        assert kept.ended is (how == "client")
        if how != "client":
            server.rest.create("posts", {"title": title})
            until(lambda: len(kept) == 2)
            assert client.get_active_subscriptions() == [kept]
        assert (len(updates), len(posts)) == (count, 1)
        with pytest.raises(dr.ClosedError):
            posts.wait(1)
        with pytest.raises(dr.ClosedError):
            posts.verify(1)
        assert posts.close() is False


def test_close_waits_for_the_callback_that_runs(
    server: Any, options: dict[str, Any], title: str
) -> None:
    runs, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def slowly(update: LiveUpdate) -> None:
        runs.set()
        assert go_on.wait(60)
        over.set()

    with Client(server.url, **options) as client:
        posts = client.live("posts", query=of(title), on_change=slowly)
        assert runs.wait(60)
        threading.Timer(0.1, go_on.set).start()
        assert posts.close()
        assert over.is_set()


def test_it_can_be_closed_in_its_own_callback(
    server: Any, options: dict[str, Any], title: str
) -> None:
    calls: list[Any] = []

    def once(update: LiveUpdate) -> None:
        calls.append(posts.close())
        for wait in (posts.wait, posts.verify):
            with pytest.raises(dr.WouldDeadlockError):
                wait()

    opened = threading.Event()
    with Client(server.url, **options) as client:
        posts = client.live("posts", query=of(title))
        posts.on_change(once)
        opened.set()
        client.reconnect()
        until(lambda: calls)
        server.rest.create("posts", {"title": title})
        client.subscribe("posts", lambda event: calls.append(event.type)).wait(30)
        until(lambda: "init" in calls)
    assert calls == [True, "init"]


def test_an_exception_that_leaves_its_callback_is_reported(
    server: Any, options: dict[str, Any], title: str
) -> None:
    errors: list[BaseException] = []

    def fail(update: LiveUpdate) -> None:
        raise ValueError(f"at {update.revision}")

    with Client(server.url, **options) as client:
        client.on_error = errors.append
        posts = client.live("posts", query=of(title), on_change=fail)
        posts.wait(30)
        server.rest.create("posts", {"title": title})
        until(lambda: len(errors) == 2)
        assert len(posts) == 1


def test_wait_says_why_there_are_no_rows(scripted_server: ScriptedServer) -> None:
    with Client(scripted_server.url, access_token="t") as client:
        posts = client.live("posts")
        with pytest.raises(dr.TimeoutError, match="current"):
            posts.wait(0.3)
        with pytest.raises(dr.TimeoutError):
            posts.verify(0.3)


def test_wait_says_why_there_is_no_link() -> None:
    with Client("http://127.0.0.1:9", access_token="t") as client:
        posts = client.live("posts")
        with pytest.raises(dr.TimeoutError, match="refused"):
            posts.wait(0.5)


def test_wait_raises_why_the_client_has_failed() -> None:
    server = ScriptedServer(tokens=["right"])
    try:
        with Client(server.url, access_token="wrong") as client:
            posts = client.live("posts")
            for _ in range(2):
                with pytest.raises(dr.AuthenticationError):
                    posts.wait(30)
            assert posts.status == "loading"
    finally:
        server.close()


@pytest.mark.parametrize("thread", [True, False])
def test_a_thread_that_waits_is_woken_by_the_end(
    scripted_server: ScriptedServer, thread: bool
) -> None:
    with Client(scripted_server.url, access_token="t", thread=thread) as client:
        posts = client.live("posts")
        threading.Timer(0.2, posts.close).start()
        with pytest.raises(dr.ClosedError):
            posts.wait(60)


def test_a_live_collection_keeps_neither_its_client_nor_its_scope(
    scripted_server: ScriptedServer,
) -> None:
    class Screen:
        def __init__(self, client: Client) -> None:
            self.scope = client.scope()
            self.posts: Live = self.scope.live("posts", on_change=self.show)

        def show(self, update: LiveUpdate) -> None:
            """Called with each update."""

    client = Client(scripted_server.url, access_token="t")
    dead = weakref.ref(Screen(client))
    until(lambda: collected(dead))
    assert client.get_active_subscriptions() == []
    gone, posts = weakref.ref(client), client.live("posts")
    del client
    until(lambda: collected(gone))
    until(lambda: posts.ended)
