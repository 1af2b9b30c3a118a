"""The descriptor with which an event loop of the application's watches a client."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

import directus_realtime as dr
import pytest
from conftest import TIMEOUT, load_events, until
from directus_realtime import Client, Event
from scripted_server import ScriptedServer


def test_a_selector_runs_all_callbacks_by_the_descriptor_alone(server: Any) -> None:
    seen: list[str] = []
    with (
        Client(server.url, access_token=server.rest.token, thread=False) as client,
        selectors.DefaultSelector() as selector,
    ):
        selector.register(client, selectors.EVENT_READ)
        client.on_state(lambda change: seen.append(change.state))
        client.subscribe("posts", lambda event: seen.append(event.type))
        while "init" not in seen:
            assert selector.select(TIMEOUT), seen
            client.dispatch()
        key = server.rest.create("posts", {"title": "watched"})["id"]
        server.rest.delete("posts", key)
        while "delete" not in seen:
            assert selector.select(TIMEOUT), seen
            client.dispatch()
        selector.unregister(client)
    assert seen[:3] == ["connecting", "authenticating", "connected"]
    assert seen[-1] == "closed"


def test_what_a_dispatch_leaves_behind_keeps_the_descriptor_readable(
    scripted_server: ScriptedServer,
) -> None:
    seen: list[Event] = []
    with (
        Client(scripted_server.url, access_token="t", thread=False) as client,
        selectors.DefaultSelector() as selector,
    ):
        client.subscribe("posts", seen.append, snapshot="server").wait(30)
        load_events(scripted_server, 20)
        selector.register(client.fileno(), selectors.EVENT_READ)
        while len(seen) < 20:
            assert selector.select(TIMEOUT), len(seen)
            assert client.dispatch(max_events=1) <= 1


def test_the_descriptor_stays_the_same_and_is_not_inherited(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t", thread=False) as client:
        fd = client.fileno()
        client.wait(timeout=30)
        client.disconnect()
        assert client.fileno() == fd
        assert not os.get_inheritable(fd)


def test_a_client_with_a_thread_or_a_closed_one_has_no_descriptor(
    scripted_server: ScriptedServer,
) -> None:
    with (
        Client(scripted_server.url, access_token="t") as client,
        pytest.raises(dr.InvalidArgumentError, match="thread=False"),
    ):
        client.fileno()
    client = Client(scripted_server.url, access_token="t", thread=False)
    client.close()
    with pytest.raises(dr.ClosedError):
        client.fileno()


def test_callbacks_run_only_on_threads_that_wait_or_dispatch(
    scripted_server: ScriptedServer,
) -> None:
    ran_on: list[str] = []

    def note(*_: object) -> None:
        ran_on.append(threading.current_thread().name)

    def call(name: str, function: Callable[[], object]) -> None:
        thread = threading.Thread(target=function, name=name)
        thread.start()
        thread.join(TIMEOUT)
        assert set(ran_on) <= {name}
        ran_on.clear()

    client = Client(scripted_server.url, access_token="t", thread=False)
    client.on_state(note)
    call("subscribes", lambda: client.subscribe("posts", note, snapshot="server"))
    until(lambda: client.is_connected)
    time.sleep(0.2)
    assert not ran_on
    call("waits", lambda: client.request({"type": "ping"}))
    load_events(scripted_server, 5)
    time.sleep(0.2)
    assert not ran_on
    client.dispatch(timeout=TIMEOUT)
    assert set(ran_on) == {"MainThread"}
    ran_on.clear()
    call("closes", lambda: client.close(timeout=0.1))
