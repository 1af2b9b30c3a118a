"""Ctrl-C interrupts every call at once, and loses no event but that of the callback in
which it comes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import load_events
from directus_realtime import Client, Event
from directus_realtime._abi import lib
from scripted_server import ScriptedServer


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, though the tests may run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    # A call may have returned before its interrupt, which must not hit the next test.
    with contextlib.suppress(KeyboardInterrupt):
        for timer in _timers:
            timer.join()
        time.sleep(0.01)
    _timers.clear()
    signal.signal(signal.SIGINT, before)


def interrupt_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    _timers.append(timer)
    timer.start()


_timers: list[threading.Timer] = []


def following(scripted_server: ScriptedServer) -> tuple[Client, list[int]]:
    """A client without a thread that has its snapshot, and the ids of later creates."""
    seen: list[int] = []

    def follow(event: Event) -> None:
        if event.type == "create":
            seen.append(event.data["id"])

    client = Client(scripted_server.url, access_token="t", thread=False)
    client.subscribe("posts", follow, snapshot="server").wait(30)
    while client.dispatch(timeout=0.2):
        pass
    return client, seen


def test_a_batch_whose_receipt_was_interrupted_is_delivered_by_the_next_call(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, seen = following(scripted_server)
    load_events(scripted_server, 100)
    take, interrupts = lib.drt_client_next_indexed, [0]

    def interrupted(*arguments: Any) -> int:
        status: int = take(*arguments)
        if arguments[7]._obj.value and not interrupts[0]:
            interrupts[0] += 1
            signal.raise_signal(signal.SIGINT)
        return status

    monkeypatch.setattr(lib, "drt_client_next_indexed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        while True:
            client.dispatch(timeout=60)
    while len(seen) < 100:
        assert client.dispatch(timeout=60)
    assert seen == list(range(100))
    client.close()


def test_an_interrupt_at_any_time_neither_loses_nor_repeats_an_event(
    scripted_server: ScriptedServer,
) -> None:
    client, seen = following(scripted_server)
    rounds, a_round = 40, 50
    inside, noticed = threading.Event(), threading.Semaphore(0)

    def load_and_interrupt() -> None:
        for number in range(rounds):
            load_events(scripted_server, a_round, number * a_round)
            inside.wait(30)
            time.sleep(0.0003 * number)
            os.kill(os.getpid(), signal.SIGINT)
            noticed.acquire(timeout=30)

    loading = threading.Thread(target=load_and_interrupt)
    loading.start()
    for _ in range(rounds):
        with pytest.raises(KeyboardInterrupt):
            inside.set()
            while True:
                client.dispatch(timeout=0.05)
        inside.clear()
        noticed.release()
    loading.join()
    while client.dispatch(timeout=0.5):
        pass
    assert seen == sorted(set(seen))
    # The interrupt may come in the callback, before it has done anything.
    assert rounds * a_round - len(seen) <= rounds
    client.close()


def test_an_interrupted_callback_is_not_repeated_and_the_other_events_follow(
    scripted_server: ScriptedServer,
) -> None:
    seen: list[Any] = []

    def follow(event: Event) -> None:
        seen.append(event.data["id"] if event.type == "create" else event.type)
        if seen[-1] == 3:
            signal.raise_signal(signal.SIGINT)

    with Client(scripted_server.url, access_token="t", thread=False) as client:
        client.subscribe("posts", follow, snapshot="server").wait(30)
        load_events(scripted_server, 10)
        with pytest.raises(KeyboardInterrupt):
            while True:
                client.dispatch(timeout=60)
        assert seen == ["init", 0, 1, 2, 3]
        while len(seen) < 11:
            assert client.dispatch(timeout=60)
        assert seen[5:] == list(range(4, 10))


def test_a_request_is_interrupted_at_once_and_the_next_is_answered(
    scripted_server: ScriptedServer,
) -> None:
    client, _ = following(scripted_server)
    for number in range(40):
        with pytest.raises(KeyboardInterrupt):
            interrupt_after(0.001 + 0.0003 * number)
            while True:
                assert client.request({"type": "ping"}, timeout=60)["type"] == "pong"
        assert client.request({"type": "ping"}, timeout=60)["type"] == "pong"
    client.close()


def test_signal_handlers_that_raise_are_deferred_until_the_library_returns(
    scripted_server: ScriptedServer,
) -> None:
    class Alarm(BaseException):
        pass

    def ring(*_: Any) -> None:
        raise Alarm

    client, _ = following(scripted_server)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for number in range(20):
            with pytest.raises(Alarm):
                signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.0003 * number)
                while True:
                    assert client.request({"type": "ping"}, timeout=60)["type"] == "pong"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert client.request({"type": "ping"}, timeout=60)["type"] == "pong"
    client.close()


@pytest.mark.parametrize("thread", [True, False])
def test_close_is_interrupted_at_once_and_continues(
    scripted_server: ScriptedServer, thread: bool
) -> None:
    states: list[str] = []
    client = Client(scripted_server.url, access_token="t", thread=thread)
    client.on_state(lambda change: states.append(change.state.value))
    client.wait(timeout=30)
    began = time.monotonic()
    # The server does not answer the close frame.
    with pytest.raises(KeyboardInterrupt):
        interrupt_after(0.2)
        client.close(timeout=20)
    assert time.monotonic() - began < 5
    assert client.closed
    with pytest.raises(dr.ClosedError):
        client.request({"type": "ping"})
    scripted_server.close()
    client.close(timeout=30)
    assert states[-1] == "closed"


def test_run_and_waits_are_interrupted_at_once() -> None:
    with Client("http://127.0.0.1:9", access_token="t", thread=False) as client:
        subscription = client.subscribe("posts", print)
        for call in (client.run, client.wait, subscription.wait):
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                interrupt_after(0.1)
                call()
            assert time.monotonic() - began < 5
