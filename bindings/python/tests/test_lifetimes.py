"""Callbacks, clients and scopes live as long as they are needed, and no longer."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import weakref
from typing import Any

from conftest import collected, load_events, until
from directus_realtime import Client, State


class Callback:
    """A callback with weak references."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, what: object) -> None:
        self.events.append(type(what).__name__)


def test_a_callback_lives_as_long_as_its_subscription(server: Any, options: dict[str, Any]) -> None:
    with Client(server.url, **options) as client:
        callback = Callback()
        alive = weakref.ref(callback)
        subscription = client.subscribe("posts", callback)
        del callback
        subscription.wait(30)
        until(lambda: alive().events)  # type: ignore[union-attr]
        assert not collected(alive)
        subscription.unsubscribe()
        until(lambda: collected(alive), "the callback was not released")


def test_an_unused_callback_is_released_at_once(server: Any, options: dict[str, Any]) -> None:
    with Client(server.url, **options) as client:
        client.subscribe("posts", Callback(), uid="taken")
        for collection, uid in [("posts", "taken"), ("", None)]:
            callback = Callback()
            alive = weakref.ref(callback)
            with contextlib.suppress(ValueError):
                client.subscribe(collection, callback, uid=uid)
            del callback
            until(lambda alive=alive: collected(alive))


def test_closing_a_client_releases_all_its_callbacks(server: Any, options: dict[str, Any]) -> None:
    callback, on_state, on_token = Callback(), Callback(), Callback()
    alive = [weakref.ref(thing) for thing in (callback, on_state, on_token)]
    client = Client(server.url, **options)
    client.on_state(on_state)
    client.on_token(on_token)
    client.subscribe("posts", callback).wait(30)
    del callback, on_state, on_token
    client.close()
    assert not client._core.incoming.registrations
    del client
    until(lambda: all(collected(ref) for ref in alive))


def test_an_unreferenced_client_is_closed_and_its_thread_ends(
    server: Any, options: dict[str, Any]
) -> None:
    before = set(threading.enumerate())
    client = Client(server.url, **options)
    client.subscribe("posts", Callback()).wait(30)
    own = set(threading.enumerate()) - before
    assert own
    core, gone = client._core, weakref.ref(client)
    del client
    until(lambda: collected(gone))
    until(lambda: core.link.state() is State.CLOSED)
    # Threads of earlier tests may end meanwhile.
    until(lambda: not own.intersection(threading.enumerate()), f"the end of {own}")


def test_an_unreferenced_scope_is_closed(server: Any, options: dict[str, Any]) -> None:
    with Client(server.url, **options) as client:
        client.scope().subscribe("posts", Callback(), uid="gone")
        scope = client.scope()
        scope.subscribe("posts", Callback(), uid="there")
        gc.collect()
        assert [s.uid for s in client.get_active_subscriptions()] == ["there"]
        scope.close()


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_scopes_leave_no_memory_behind(server: Any, options: dict[str, Any]) -> None:
    def open_and_close(times: int) -> None:
        for number in range(times):
            with client.scope() as scope:
                for _ in range(2):
                    scope.subscribe("posts", Callback(), query={"limit": number % 3})
        gc.collect()

    with Client(server.url, **options) as client:
        known = client._core.incoming.registrations
        client.subscribe("posts", Callback()).wait(30)
        open_and_close(200)
        until(lambda: client.stats.subscriptions == 1 and len(known) < 50)
        before, objects = resident(), len(gc.get_objects())
        open_and_close(1000)
        until(lambda: client.stats.subscriptions == 1 and len(known) < 50)
        gc.collect()
        assert len(gc.get_objects()) - objects < 2000
        assert resident() - before < 8 << 20


def test_clients_end_while_events_come_in(start_scripted_server: Any) -> None:
    for number in range(20):
        scripted_server = start_scripted_server()
        client = Client(scripted_server.url, access_token="t")
        client.subscribe("posts", Callback(), snapshot="server")
        loading = threading.Thread(target=load_events, args=(scripted_server, 3000))
        loading.start()
        until(lambda client=client: client.stats.events > 0)
        # Closed by a call, or by the garbage collector.
        if number % 2 == 0:
            client.close()
        del client
        gc.collect()
        scripted_server.close()
        loading.join()
