"""The synchronous client against a real server, method by method."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, Event
from log import Log


@pytest.fixture
def client(server: Any, options: dict[str, Any]) -> Any:
    with Client(server.url, **options) as client:
        yield client


@pytest.fixture
def marker() -> str:
    return f"title-{uuid.uuid4()}"


def test_a_subscription_gets_a_snapshot_and_then_every_change(
    client: Client, server: Any, marker: str
) -> None:
    log = Log()
    query = {"filter": {"title": {"_eq": marker}}}
    subscription = client.subscribe("posts", log, query=query, uid="posts")
    subscription.wait(30)
    made = server.rest.create("posts", {"title": marker})
    server.rest.update("posts", made["id"], {"status": "draft"})
    server.rest.delete("posts", made["id"])
    until(lambda: "delete" in log.types())
    assert log.types() == ["init", "create", "update", "delete"]
    init, create, update, delete = log
    assert (init.data, init.raw, init.resync, init.ended) == ([], b"[]", False, False)
    assert create.data == made
    assert update.data["status"] == "draft"
    assert delete.data == {"id": made["id"]}
    assert (create.uid, create.collection, create.index, create.count) == ("posts", "posts", 0, 1)
    assert [event.sequence for event in log] == [1, 2, 3, 4]
    assert str(made["id"]).encode() in create.raw
    assert create.meta is None


def test_a_batch_of_the_server_comes_item_by_item_or_as_one_message(
    client: Client, server: Any, marker: str
) -> None:
    items, messages = Log(), Log()
    ids = [made["id"] for made in server.rest.create("posts", [{"title": marker}] * 3)]
    query = {"filter": {"id": {"_in": ids}}, "sort": ["id"], "meta": "*"}
    client.subscribe("posts", items, query=query).wait(30)
    client.subscribe("posts", messages, query=query, granularity="message").wait(30)
    server.rest.request("PATCH", "/items/posts", {"keys": ids, "data": {"n": 7}})
    until(lambda: len(items) == 4 and len(messages) == 2)
    assert [(event.index, event.count) for event in items[1:]] == [(0, 3), (1, 3), (2, 3)]
    assert sorted(event.data["id"] for event in items[1:]) == sorted(ids)
    assert sorted(item["id"] for item in messages[1].data) == sorted(ids)
    assert messages[1].meta["filter_count"] == 3


def test_one_item_and_chosen_kinds_of_events_can_be_watched(
    client: Client, server: Any, marker: str
) -> None:
    one, creates = Log(), Log()
    made = server.rest.create("posts", {"title": marker})
    client.subscribe("posts", one, item=made["id"]).wait(30)
    client.subscribe("posts", creates, event="create").wait(30)
    server.rest.update("posts", made["id"], {"n": 1})
    other = server.rest.create("posts", {"title": marker})
    until(lambda: len(one) == 2 and creates.of(marker))
    assert one[0].data["title"] == marker
    assert one[1].data["n"] == 1
    assert creates[0].data is None
    assert [event.data["id"] for event in creates.of(marker)] == [other["id"]]
    assert set(creates.types()) == {"init", "create"}


def test_subscribing_with_a_uid_in_use_returns_the_subscription_that_has_it(client: Client) -> None:
    first, second = Log(), Log()
    one = client.subscribe("posts", first, uid="taken")
    other = client.subscribe("authors", second, uid="taken")
    assert one == other
    assert hash(one) == hash(other)
    assert other.collection == "posts"
    one.wait(30)
    until(lambda: first)
    assert not second
    assert len(client.get_active_subscriptions()) == 1


def test_subscriptions_end_by_handler_uid_collection_and_all(client: Client) -> None:
    def live() -> list[str]:
        return [subscription.uid for subscription in client.get_active_subscriptions()]

    handlers = {
        uid: client.subscribe(collection, print if False else (lambda event: None), uid=uid)
        for uid, collection in [("a", "posts"), ("b", "posts"), ("c", "authors"), ("d", "codes")]
    }
    client.subscribe("posts", lambda event: None, uid="for ever", persistent=True)
    assert live() == ["a", "b", "c", "d", "for ever"]
    assert handlers["a"].unsubscribe() is True
    assert handlers["a"].unsubscribe() is False
    assert handlers["a"].ended
    assert client.unsubscribe("d") is True
    assert client.unsubscribe("d") is False
    assert client.unsubscribe_collection("posts") == 1
    assert live() == ["c", "for ever"]
    assert client.has_subscription("c")
    assert client.unsubscribe_all() == 1
    assert not client.has_subscription("c")
    assert live() == ["for ever"]
    assert client.unsubscribe("for ever") is True


def test_a_scope_ends_its_subscriptions_but_the_persistent_ones(
    client: Client, server: Any, marker: str
) -> None:
    scoped, lasting = Log(), Log()
    with client.scope() as scope:
        scope.subscribe("posts", scoped, uid="scoped").wait(30)
        handler = scope.subscribe("posts", lasting, uid="lasting", persistent=True)
        handler.wait(30)
        assert handler.persistent
    assert scope.closed
    assert [s.uid for s in client.get_active_subscriptions()] == ["lasting"]
    server.rest.create("posts", {"title": marker})
    until(lambda: lasting.of(marker))
    assert not scoped.of(marker)
    with pytest.raises(dr.ClosedError, match="scope"):
        scope.subscribe("posts", scoped)
    scope.close()


def test_items_are_created_read_updated_and_deleted(client: Client, marker: str) -> None:
    client.wait(timeout=30)
    posts = client.items("posts")
    one = posts.create({"title": marker})
    two = posts.create([{"title": marker, "n": n} for n in (1, 2)], {"fields": ["id", "n"]})
    assert [item["n"] for item in two] == [1, 2]
    assert posts.read(one["id"])["title"] == marker
    assert [item["id"] for item in posts.read([two[0]["id"], two[1]["id"]], {"sort": ["id"]})] == [
        two[0]["id"],
        two[1]["id"],
    ]
    query = {"filter": {"title": {"_eq": marker}}, "fields": ["id"]}
    assert len(posts.read(query)) == len(posts.read(query=query)) == 3
    assert posts.update(one["id"], {"n": 9})["n"] == 9
    assert [item["n"] for item in posts.update([one["id"], two[0]["id"]], {"n": 8})] == [8, 8]
    posts.delete(one["id"])
    posts.delete([item["id"] for item in two])
    assert posts.read(query) == []
    assert (posts.read([]), posts.update([], {"n": 1}), posts.delete([])) == ([], [], None)
    settings = client.items("settings_one")
    settings.update_singleton({"title": marker})
    assert settings.read()["title"] == marker
    with pytest.raises(dr.InvalidArgumentError, match="primary key"):
        posts.delete("")


def test_a_request_returns_the_reply_or_raises_why_there_is_none(client: Client) -> None:
    with pytest.raises(dr.NotConnectedError):
        client.request({"type": "ping"})
    client.wait(timeout=30)
    assert client.request({"type": "ping", "uid": "mine"}) == {"type": "pong", "uid": "mine"}
    client.send_message({"type": "shout", "text": "ü"})
    with pytest.raises(dr.ServerError) as refused:
        client.items("directus_users").read()
    assert refused.value.code == "INVALID_COLLECTION"
    with pytest.raises(dr.TimeoutError):
        client.request({"type": "no reply"}, timeout=0.2)
    with pytest.raises(TimeoutError):
        client.request({"type": "no reply"}, timeout=0.2)
    with pytest.raises(dr.InvalidArgumentError, match="type"):
        client.send_message({"no": "type"})
    with pytest.raises(dr.InvalidArgumentError, match="JSON"):
        client.send_message({"type": object()})


def test_a_refused_subscription_raises_the_reason_and_others_continue(client: Client) -> None:
    good, bad = Log(), Log()
    refused = client.subscribe("no_such_collection", bad)
    with pytest.raises(dr.ServerError, match="no_such_collection") as error:
        refused.wait(30)
    assert error.value.code == "FORBIDDEN"
    client.subscribe("posts", good).wait(30)
    until(lambda: bad and refused.ended)
    assert (bad[0].type, bad[0].ended, bad[0].data["code"]) == ("error", True, "FORBIDDEN")
    with pytest.raises(dr.ServerError):
        refused.wait(1)
    assert [s.collection for s in client.get_active_subscriptions()] == ["posts"]


def test_an_exception_in_a_callback_is_reported_and_delivery_continues(
    client: Client, server: Any, marker: str, lost_exceptions: list[BaseException]
) -> None:
    reported: list[BaseException] = []
    log = Log()

    def fails(event: Event) -> None:
        log(event)
        raise ZeroDivisionError(event.type)

    client.subscribe("posts", fails).wait(30)
    until(lambda: lost_exceptions)
    client.on_error = reported.append
    server.rest.create("posts", {"title": marker})
    until(lambda: log.of(marker))
    until(lambda: reported)
    assert str(reported[0]) == "create"
    assert [str(error) for error in lost_exceptions] == ["init"]
    lost_exceptions.clear()


def test_calls_that_would_wait_for_their_own_callback_are_refused(client: Client) -> None:
    errors: list[BaseException] = []
    calls = [
        client.close,
        client.run,
        client.wait,
        lambda: client.request({"type": "ping"}),
        lambda: client.get_active_subscriptions()[0].wait(),
    ]

    def tries(event: Event) -> None:
        for call in calls:
            try:
                call()
            except dr.WouldDeadlockError as error:
                errors.append(error)
        client.unsubscribe(event.uid)

    client.subscribe("posts", tries)
    until(lambda: len(errors) == len(calls))
    until(lambda: not client.get_active_subscriptions())


def test_no_callback_runs_once_an_unsubscribe_has_returned(client: Client, server: Any) -> None:
    inside, leave = threading.Event(), threading.Event()
    running = []

    def slow(event: Event) -> None:
        inside.set()
        running.append(1)
        leave.wait(30)
        running.pop()

    subscription = client.subscribe("posts", slow)
    assert inside.wait(30)
    threading.Timer(0.3, leave.set).start()
    subscription.unsubscribe()
    assert not running


def test_without_a_thread_callbacks_run_where_dispatch_is_called(
    server: Any, options: dict[str, Any]
) -> None:
    threads: list[int] = []
    with Client(server.url, thread=False, **options) as client:
        client.wait(timeout=30)
        client.subscribe("posts", lambda event: threads.append(threading.get_ident()))
        until(lambda: client.dispatch(timeout=0.1) and threads)
        assert set(threads) == {threading.get_ident()}
        assert client.request({"type": "ping"})["type"] == "pong"
        assert client.dispatch() == 0
        began = time.monotonic()
        client.dispatch(timeout=0.3)
        assert time.monotonic() - began >= 0.29
        threading.Timer(0.2, client.close).start()
        client.run()
    assert client.closed
    with Client(server.url, **options) as client, pytest.raises(dr.InvalidArgumentError):
        client.dispatch()


def test_every_call_after_close_raises_closed_error(server: Any, options: dict[str, Any]) -> None:
    client = Client(server.url, **options)
    subscription = client.subscribe("posts", lambda event: None)
    scope = client.scope()
    client.close()
    client.close()
    assert client.closed
    assert subscription.ended
    assert subscription.unsubscribe() is False
    scope.close()
    assert client.get_active_subscriptions() == []
    assert client.has_subscription("x") is False
    for call in (
        client.connect,
        client.reconnect,
        client.disconnect,
        client.unsubscribe_all,
        client.scope,
        lambda: client.stats,
        lambda: client.set_token("t"),
        lambda: client.on_state(None),
        lambda: client.on_token(print),
        lambda: client.unsubscribe("x"),
        lambda: client.unsubscribe_collection("posts"),
        lambda: client.subscribe("posts", print),
        lambda: client.send_message({"type": "ping"}),
        lambda: client.request({"type": "ping"}),
        lambda: client.wait(timeout=1),
        lambda: subscription.wait(1),
        lambda: scope.subscribe("posts", print),
    ):
        with pytest.raises(dr.ClosedError):
            call()


def test_subscriptions_and_refusals_work_on_the_older_server_line(
    old_server: Any, options: dict[str, Any]
) -> None:
    good, bad = Log(), Log()
    with Client(old_server.url, **options) as client:
        client.subscribe("posts", good).wait(30)
        refused = client.subscribe("posts", bad, query={"filter": {"nonsense": {"_eq": 1}}})
        with pytest.raises(dr.ServerError):
            refused.wait(30)
        old_server.rest.create("posts", {"title": "old"})
        until(lambda: good.of("old"))
        assert not good.types().count("error")
