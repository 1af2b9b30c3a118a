"""Clients, scopes and subscriptions end when they are garbage; the collector never waits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import pickle
import sys
import threading
import tracemalloc
import weakref
from typing import Any

import pytest
from conftest import collected, load_events, until
from directus_realtime import Client, Event, Scope, ServerError, aio
from directus_realtime._abi import lib
from loops import until as until_async
from scripted_server import ScriptedServer


class Component:
    """As in applications: it holds its scope, and its own methods are the callbacks."""

    def __init__(self, client: Client) -> None:
        self.scope = client.scope()
        self.scope.subscribe("posts", self.on_event, uid="component", event="create")

    def on_event(self, event: Event) -> None:
        pass


class Application:
    """The same with a client instead of a scope."""

    def __init__(self, url: str) -> None:
        self.client = Client(url, access_token="t")
        self.client.on_state(self.on_change)
        self.client.on_token(self.on_change)
        self.client.on_error = self.on_change
        self.client.subscribe("posts", self.on_change)

    def on_change(self, what: object) -> None:
        pass


class Cycle:
    """A reference cycle, which only the garbage collector finds."""

    def __init__(self, scope: Scope) -> None:
        self.cycle, self.scope = self, scope


def test_an_unreferenced_component_is_collected_and_its_scope_ends(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t") as client:
        component = Component(client)
        component.scope.subscribe("posts", component.on_event, uid="lasting", persistent=True)
        client.unsubscribe("lasting")
        gone = weakref.ref(component)
        assert client.has_subscription("component")
        del component
        until(lambda: collected(gone))
        assert not client.has_subscription("component")
        assert client.get_active_subscriptions() == []


def test_an_unreferenced_application_is_collected_and_its_client_closed(
    scripted_server: ScriptedServer,
) -> None:
    application = Application(scripted_server.url)
    gone, closing = weakref.ref(application), application.client._closing
    del application
    until(lambda: collected(gone))
    assert closing.finished.wait(30)


def test_a_scope_keeps_its_client_open(scripted_server: ScriptedServer) -> None:
    scope = Client(scripted_server.url, access_token="t").scope()
    gc.collect()
    scope.subscribe("posts", lambda event: None, snapshot="server").wait(30)
    assert repr(scope) == "<Scope, open>"
    scope.close()
    scope.close()
    assert repr(scope) == "<Scope, closed>"


def test_dropping_a_scope_does_not_wait_for_its_callback(scripted_server: ScriptedServer) -> None:
    lock, inside = threading.Lock(), threading.Event()

    def take(event: Event) -> None:
        inside.set()
        with lock:
            pass

    with Client(scripted_server.url, access_token="t") as client:
        scope = client.scope()
        with lock:
            scope.subscribe("posts", take, snapshot="server")
            assert inside.wait(30)
            dropped = threading.Event()

            def drop() -> None:
                nonlocal scope
                del scope
                dropped.set()

            threading.Thread(target=drop, daemon=True).start()
            assert dropped.wait(10)


def test_garbage_collection_during_unsubscribe_does_not_deadlock(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsubscribe = lib.drt_subscription_unsubscribe

    def collect_and_unsubscribe(handle: Any) -> Any:
        # On this thread, and on another one, while this one holds its locks.
        collecting = threading.Thread(target=gc.collect)
        Cycle(client.scope())
        collecting.start()
        collecting.join(30)
        assert not collecting.is_alive()
        Cycle(client.scope())
        gc.collect()
        return unsubscribe(handle)

    with Client(scripted_server.url, access_token="t") as client:
        subscription = client.subscribe("posts", lambda event: None)
        monkeypatch.setattr(lib, "drt_subscription_unsubscribe", collect_and_unsubscribe)
        ending = threading.Thread(target=subscription.unsubscribe, daemon=True)
        ending.start()
        ending.join(30)
        assert not ending.is_alive()
        monkeypatch.undo()


def test_garbage_collection_at_any_time_on_any_thread_does_no_harm(
    server: Any, options: dict[str, Any]
) -> None:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    stop = threading.Event()

    def litter(client: Client) -> None:
        while not stop.is_set():
            cycle = Cycle(client.scope())
            cycle.scope.subscribe("posts", print, event="create")

    def live(client: Client) -> None:
        while not stop.is_set():
            client.subscribe("codes", print, event="create").unsubscribe()
            client.unsubscribe_collection("authors")
            client.get_active_subscriptions()

    with Client(server.url, **options) as client:
        gc.set_threshold(30, 1000, 1000)
        sys.setswitchinterval(1e-5)
        try:
            threads = [
                threading.Thread(target=work, args=(client,), daemon=True)
                for work in (litter, live, live)
            ]
            for thread in threads:
                thread.start()
            stop.wait(2)
            stop.set()
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
        finally:
            gc.set_threshold(*threshold)
            sys.setswitchinterval(interval)
        gc.collect()
        assert client.get_active_subscriptions() == []
        until(lambda: client.stats.subscriptions == 0)


def test_a_callback_that_raises_is_freed_without_the_collector(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails:
        def __call__(self, event: Event) -> None:
            raise ValueError("x")

    reported: list[Any] = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda args: reported.append((args.err_msg, repr(args.object)))
    )
    with Client(scripted_server.url, access_token="t") as client:
        callback = Fails()
        gone = weakref.ref(callback)
        gc.disable()
        try:
            subscription = client.subscribe("posts", callback, snapshot="server")
            until(lambda: reported)
            del callback
            subscription.unsubscribe()
            until(lambda: gone() is None)
        finally:
            gc.enable()
    # The message names the callback.
    assert "Fails object" in reported[0][1]


def test_an_exception_without_on_error_is_printed(
    scripted_server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(event: Event) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    with Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", fails, snapshot="server")
        errors = ""

        def printed() -> bool:
            nonlocal errors
            errors += capsys.readouterr().err
            return "ZeroDivisionError" in errors

        until(printed)
    assert "fails at 0x" in errors


def test_an_event_that_is_kept_keeps_nothing_else_in_memory(
    scripted_server: ScriptedServer,
) -> None:
    kept: list[Event] = []
    seen = [0]

    def keep_one_of_many(event: Event) -> None:
        seen[0] += 1
        if event.sequence % 500 == 0:
            kept.append(event)

    with Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", keep_one_of_many, snapshot="server").wait(30)
        tracemalloc.start()
        load_events(scripted_server, 20_000)
        until(lambda: seen[0] > 20_000)
        gc.collect()
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(kept) == 40
    assert used < 200_000
    copy = pickle.loads(pickle.dumps(kept[3]))
    assert (copy.data, copy.raw, copy.uid) == (kept[3].data, kept[3].raw, kept[3].uid)


def test_an_asyncio_scope_may_be_collected_on_another_thread(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_debug(True)
        async with aio.Client(scripted_server.url, access_token="t") as client:
            scope = client.scope()
            cycle = Cycle(scope)  # type: ignore[arg-type]
            posts = await scope.subscribe("posts", snapshot="server")
            await posts.wait(30)
            waiting = asyncio.ensure_future(_rest(posts))
            await asyncio.sleep(0.1)
            gc.disable()
            try:
                del cycle, scope
                collecting = threading.Thread(target=gc.collect)
                collecting.start()
                assert await asyncio.wait_for(waiting, 10) == ["init"]
                collecting.join()
            finally:
                gc.enable()
            assert client.get_active_subscriptions() == []

    run(scenario)


async def _rest(posts: aio.Subscription) -> list[str]:
    return [event.type async for event in posts]


def test_a_persistent_asyncio_subscription_continues_without_a_reference(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        async with aio.Client(scripted_server.url, access_token="t") as client:
            options: dict[str, Any] = {"snapshot": "server"}
            await (await client.subscribe("posts", uid="p", persistent=True, **options)).wait(30)
            await client.subscribe("posts", uid="q", **options)
            for _ in range(3):
                gc.collect()
                await asyncio.sleep(0.01)
            (again,) = client.get_active_subscriptions()
            assert again.uid == "p"
            assert (await again.__anext__()).type == "init"

    run(scenario)


def test_an_unreferenced_asyncio_component_is_collected(
    run: Any, scripted_server: ScriptedServer
) -> None:
    class Feed:
        async def start(self, client: aio.Client) -> None:
            self.scope = client.scope()
            self.posts = await self.scope.subscribe("posts", self.on_event, snapshot="server")

        async def on_event(self, event: Event) -> None:
            pass

    async def scenario() -> None:
        async with aio.Client(scripted_server.url, access_token="t") as client:
            feed = Feed()
            await feed.start(client)
            await feed.posts.wait(30)
            gone = weakref.ref(feed)
            await asyncio.sleep(0.05)
            del feed
            gc.collect()
            assert gone() is None
            assert client.get_active_subscriptions() == []

    run(scenario)


async def _leave_early(client: aio.Client, server: ScriptedServer, posts: Any) -> None:
    """Iterates over some of many events, so that the others are held."""
    await posts.wait(30)
    loop = asyncio.get_running_loop()
    loading = loop.run_in_executor(None, load_events, server, 400)
    async for _event in posts:
        break
    await loading
    await until_async(lambda: client._flow.held > 20_000)


@pytest.mark.parametrize("way", ["dropped", "persistent", "scope"])
def test_what_is_held_for_an_unreferenced_iterator_is_given_back(
    run: Any, scripted_server: ScriptedServer, way: str
) -> None:
    async def scenario() -> None:
        async with aio.Client(scripted_server.url, access_token="t") as client:
            scope = client.scope()
            owner = scope if way == "scope" else client
            posts = await owner.subscribe(
                "posts", uid="p", persistent=way == "persistent", snapshot="server"
            )
            await _leave_early(client, scripted_server, posts)
            del posts, owner, scope
            gc.collect()
            if way == "persistent":
                client.unsubscribe("p")
            await until_async(lambda: client._flow.held == 0)
            assert client.get_active_subscriptions() == []

    run(scenario)


def test_what_is_held_of_a_refusal_that_is_not_read_is_given_back(
    run: Any,
) -> None:
    def refuse(message: dict[str, Any], link: Any) -> None:
        if message.get("type") == "subscribe":
            error = {"code": "FORBIDDEN", "message": "no"}
            uid = message["uid"]
            link.send({"type": "subscribe", "status": "error", "uid": uid, "error": error})

    async def scenario() -> None:
        async with aio.Client(server.url, access_token="t") as client:
            secret = await client.subscribe("secret")
            with pytest.raises(ServerError):
                await secret.wait(30)
            assert client._flow.held > 0
            del secret
            gc.collect()
            await until_async(lambda: client._flow.held == 0)

    with contextlib.closing(ScriptedServer(withhold=("subscribe",), on_message=refuse)) as server:
        run(scenario)
