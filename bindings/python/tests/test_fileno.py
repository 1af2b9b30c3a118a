"""The descriptor with which an event loop of the application's watches a client."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from conftest import TIMEOUT, load_events, until
from directus_realtime import Client
from scripted_server import ScriptedServer


def test_the_descriptor_stays_the_same_and_is_not_inherited(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t", thread=False) as client:
        fd = client.fileno()
        client.wait(timeout=30)
        client.disconnect()
        assert client.fileno() == fd
        assert not os.get_inheritable(fd)


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
