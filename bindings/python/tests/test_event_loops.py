"""Clients without a thread on event loops that know nothing of them: `fileno` and `dispatch`."""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import load_events
from directus_realtime import Client, Event
from scripted_server import ScriptedServer

EVENTS = 2000


class Follower:
    """A client whose callbacks must run on the thread of the loop."""

    def __init__(self, url: str) -> None:
        self.ids: list[int] = []
        self.threads: set[int] = set()
        self.client = Client(url, access_token="t", thread=False)
        self.client.subscribe("posts", self, snapshot="server").wait(30)

    def __call__(self, event: Event) -> None:
        self.threads.add(threading.get_ident())
        if event.type == "create":
            self.ids.append(event.data["id"])

    @property
    def is_full(self) -> bool:
        return len(self.ids) >= EVENTS

    def check(self) -> None:
        assert self.ids == list(range(EVENTS))
        assert self.threads == {threading.get_ident()}


@pytest.fixture
def follower(scripted_server: ScriptedServer) -> Iterator[Follower]:
    follower = Follower(scripted_server.url)
    loading = threading.Thread(target=load_events, args=(scripted_server, EVENTS))
    loading.start()
    yield follower
    loading.join()
    follower.client.close(timeout=0.1)


def test_a_client_is_watched_by_a_selector(follower: Follower) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(follower.client, selectors.EVENT_READ)
        while not follower.is_full:
            assert selector.select(30)
            assert follower.client.dispatch() <= 512
        selector.unregister(follower.client)
    follower.check()


def test_what_a_dispatch_leaves_keeps_the_descriptor_readable(follower: Follower) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(follower.client, selectors.EVENT_READ)
        while not follower.is_full:
            assert selector.select(30)
            assert follower.client.dispatch(max_events=7) <= 7
    follower.check()


def test_a_client_is_watched_by_tk(follower: Follower) -> None:
    tkinter = pytest.importorskip("tkinter")
    # Without a display: Tcl has the event loop.
    loop: Any = tkinter.Tcl().tk
    dispatch: Callable[..., object] = lambda *_: follower.client.dispatch()  # noqa: E731
    loop.createfilehandler(follower.client, tkinter.READABLE, dispatch)
    while not follower.is_full:
        loop.dooneevent(0)
    loop.deletefilehandler(follower.client)
    follower.check()


def test_a_client_is_watched_by_trio(follower: Follower) -> None:
    trio = pytest.importorskip("trio")

    async def deliver() -> None:
        while not follower.is_full:
            await trio.lowlevel.wait_readable(follower.client)
            follower.client.dispatch()

    trio.run(deliver)
    follower.check()


def test_a_client_is_watched_by_qt(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    core = pytest.importorskip("PySide6.QtCore")
    loop = core.QCoreApplication([])
    notifier = core.QSocketNotifier(follower.client.fileno(), core.QSocketNotifier.Type.Read)

    def dispatch(*_: Any) -> None:
        follower.client.dispatch()
        if follower.is_full:
            notifier.setEnabled(False)
            loop.quit()

    notifier.activated.connect(dispatch)
    loop.exec()
    follower.check()


def test_a_client_is_watched_by_glib(follower: Follower) -> None:
    glib = pytest.importorskip("gi.repository.GLib")
    loop = glib.MainLoop()

    def dispatch(*_: Any) -> bool:
        follower.client.dispatch()
        if follower.is_full:
            loop.quit()
        return not follower.is_full

    glib.unix_fd_add_full(
        glib.PRIORITY_DEFAULT, follower.client.fileno(), glib.IOCondition.IN, dispatch
    )
    loop.run()
    follower.check()


def test_dispatch_waits_as_long_as_it_is_told(scripted_server: ScriptedServer) -> None:
    with Client(scripted_server.url, access_token="t", thread=False) as client:
        client.wait(timeout=30)
        client.dispatch()
        for timeout in (0, 0.2):
            began = time.monotonic()
            assert client.dispatch(timeout=timeout) == 0
            assert timeout <= time.monotonic() - began < timeout + 5
        with pytest.raises(dr.InvalidArgumentError, match="max_events"):
            client.dispatch(max_events=-1)


def test_only_an_open_client_without_a_thread_has_a_descriptor() -> None:
    with Client("http://127.0.0.1:9") as threaded, pytest.raises(dr.InvalidArgumentError):
        threaded.fileno()
    client = Client("http://127.0.0.1:9", thread=False)
    assert client.fileno() == client.fileno() > 2
    client.close()
    with pytest.raises(dr.ClosedError):
        client.fileno()
