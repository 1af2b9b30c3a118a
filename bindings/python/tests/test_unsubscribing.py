"""How subscriptions end, also while others begin."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, Event, aio
from directus_realtime._events import Origin
from scripted_server import ScriptedServer


@pytest.fixture
def client(server: Any, options: dict[str, Any]) -> Iterator[Client]:
    with Client(server.url, **options) as client:
        client.wait(timeout=30)
        yield client


@pytest.fixture
def frequent_thread_switches() -> Iterator[None]:
    """Python switches between threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_thread_switches")
@pytest.mark.parametrize("end", ["unsubscribe_all", "unsubscribe_collection", "scope"])
def test_a_subscription_made_while_others_end_is_in_the_lists_of_client_and_library_or_in_neither(
    client: Client, end: str
) -> None:
    stop, errors = threading.Event(), []
    scopes = [client.scope()]

    def subscribe(uid: str) -> None:
        while not stop.is_set():
            try:
                if end == "scope":
                    scopes[0].subscribe("codes", print, uid=uid, event="create")
                else:
                    client.subscribe("codes", print, uid=uid, event="create")
            except dr.ClosedError as error:
                if end != "scope":
                    errors.append(error)

    threads = [threading.Thread(target=subscribe, args=(f"u{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        if end == "unsubscribe_all":
            client.unsubscribe_all()
        elif end == "unsubscribe_collection":
            client.unsubscribe_collection("codes")
        else:
            scopes[0], before = client.scope(), scopes[0]
            before.close()
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    listed = {subscription.uid for subscription in client.get_active_subscriptions()}
    assert listed == {uid for uid in ("u0", "u1", "u2") if client.has_subscription(uid)}
    for uid in ("u0", "u1", "u2"):
        client.subscribe("codes", print, uid=uid, event="create")
        assert client.unsubscribe(uid)


def test_the_uid_of_a_refused_subscription_is_free_before_the_refusal_is_delivered(
    server: Any, options: dict[str, Any]
) -> None:
    reported: list[str] = []
    with Client(server.url, thread=False, **options) as client:
        client.wait(timeout=30)
        bad = client.subscribe(
            "no_such", lambda event: reported.append(event.data["code"]), uid="x"
        )
        # The server refuses it, and nothing is delivered meanwhile.
        until(lambda: client.has_subscription("x") is False)
        good = client.subscribe("codes", lambda event: reported.append(event.type), uid="x")
        assert good != bad
        assert client.get_active_subscriptions() == [good]
        again = client.subscribe("codes", print, uid="x")
        assert again == good
        until(lambda: client.dispatch(timeout=0.1) >= 0 and len(reported) == 2)
        assert reported == ["FORBIDDEN", "init"]
        assert (bad.ended, good.ended) == (True, False)
        assert client.unsubscribe("x") is True
        assert (client.has_subscription("x"), good.ended) == (False, True)


@pytest.mark.parametrize("how", ["unsubscribe", "uid", "scope", "client"])
def test_a_running_coroutine_callback_is_cancelled_when_its_subscription_ends(
    run: Any, scripted_server: ScriptedServer, how: str
) -> None:
    async def scenario() -> None:
        running, over = asyncio.Event(), []

        async def callback(event: Event) -> None:
            running.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                over.append("cancelled")
                raise

        client = aio.Client(scripted_server.url, access_token="t")
        async with client:
            async with client.scope() as scope:
                where = scope if how == "scope" else client
                posts = await where.subscribe("posts", callback, uid="p", snapshot="server")
                await running.wait()
                if how == "unsubscribe":
                    assert posts.unsubscribe()
                elif how == "uid":
                    assert client.unsubscribe("p")
            if how == "scope":
                assert over == ["cancelled"]
            elif how != "client":
                await asyncio.sleep(0.05)
                assert over == ["cancelled"]
        assert over == ["cancelled"]

    run(scenario)


@pytest.mark.parametrize("how", ["unsubscribe", "scope", "client"])
def test_a_coroutine_callback_that_ends_its_own_subscription_is_not_cancelled(
    run: Any, scripted_server: ScriptedServer, how: str
) -> None:
    async def scenario() -> None:
        over: list[str] = []
        done = asyncio.Event()
        client = aio.Client(scripted_server.url, access_token="t")
        scope = client.scope()

        async def callback(event: Event) -> None:
            over.append(event.type)
            if how == "unsubscribe":
                client.unsubscribe(event.uid)
            elif how == "scope":
                await scope.close()
            else:
                await client.close()
            await asyncio.sleep(0.01)
            over.append("end")
            done.set()

        await scope.subscribe("posts", callback, snapshot="server")
        await asyncio.wait_for(done.wait(), 30)
        assert over == ["init", "end"]
        assert client.get_active_subscriptions() == []
        await client.close()

    run(scenario)


def test_a_coroutine_callback_that_has_not_begun_is_cancelled_without_a_warning(run: Any) -> None:
    async def scenario() -> None:
        async with aio.Client("http://127.0.0.1:9", access_token="t") as client:

            async def callback(event: Event) -> None:
                raise AssertionError

            posts = await client.subscribe("posts", callback)
            assert posts._consumer is not None
            posts._consumer.consume(
                Event(Origin("u", "posts"), (7, 1, 0, 2, 2, 0, 1, 0, 0, 1), b"[]")
            )
            posts.unsubscribe()
            await asyncio.sleep(0.01)
            gc.collect()

    run(scenario)
