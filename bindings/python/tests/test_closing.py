"""Closing happens once, and every call of `close` waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import warnings
from typing import Any

import directus_realtime as dr
import pytest
from conftest import load_events, until
from directus_realtime import Client, Event, aio
from scripted_server import ScriptedServer


def test_the_state_closed_is_reported_last_and_on_the_thread_of_the_callbacks(
    start_scripted_server: Any,
) -> None:
    for _ in range(10):
        reported: list[tuple[str, int]] = []
        outcomes: list[str] = []
        client = Client(start_scripted_server().url, access_token="t")
        client.on_state(
            lambda change, reported=reported: reported.append(
                (change.state.value, threading.get_ident())
            )
        )
        client.wait(timeout=30)

        def ask(client: Client = client, outcomes: list[str] = outcomes) -> None:
            try:
                client.request({"type": "no reply"}, timeout=30)
            except dr.DirectusRealtimeError as error:
                outcomes.append(type(error).__name__)

        asking = [threading.Thread(target=ask, daemon=True) for _ in range(10)]
        for thread in asking:
            thread.start()
        # The server does not answer the close frame.
        client.close(timeout=0.1)
        for thread in asking:
            thread.join(10)
            assert not thread.is_alive()
        assert set(outcomes) == {"ClosedError"}
        assert reported[-1][0] == "closed"
        assert len({thread for _, thread in reported}) == 1
        assert reported[0][1] != threading.get_ident()


def test_a_second_close_waits_again_for_a_running_callback(scripted_server: ScriptedServer) -> None:
    inside, leave, over = threading.Event(), threading.Event(), []

    def block(event: Event) -> None:
        inside.set()
        leave.wait(60)
        over.append(1)

    client = Client(scripted_server.url, access_token="t")
    client.subscribe("posts", block, snapshot="server")
    assert inside.wait(30)
    for _ in range(2):
        with pytest.raises(dr.TimeoutError, match="callback"):
            client.close(timeout=0.2)
    threading.Timer(0.2, leave.set).start()
    client.close(timeout=30)
    assert over == [1]


def test_the_exception_of_a_with_block_is_not_replaced_by_that_of_close(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def block(event: Event) -> None:
        inside.set()
        leave.wait(60)

    close = Client.close
    monkeypatch.setattr(Client, "close", lambda self: close(self, timeout=0.1))
    with pytest.raises(KeyError), Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", block, snapshot="server")
        assert inside.wait(30)
        raise KeyError
    leave.set()
    close(client, 30)


def test_a_client_is_closed_while_another_thread_runs_it(scripted_server: ScriptedServer) -> None:
    inside, leave, states = threading.Event(), threading.Event(), []

    def block(event: Event) -> None:
        inside.set()
        leave.wait(60)

    client = Client(scripted_server.url, access_token="t", thread=False)
    client.on_state(lambda change: states.append((change.state.value, threading.get_ident())))
    client.subscribe("posts", block, snapshot="server")
    running = threading.Thread(target=client.run, daemon=True)
    running.start()
    assert inside.wait(30)
    with pytest.raises(dr.TimeoutError):
        client.close(timeout=0.2)
    leave.set()
    running.join(30)
    assert not running.is_alive()
    client.close(timeout=30)
    assert states[-1][0] == "closed"


def test_a_closed_client_does_not_call_on_token(scripted_server: ScriptedServer) -> None:
    client = Client(scripted_server.url, thread=False)
    asked: list[Any] = []
    client.on_token(asked.append)
    client.connect()
    time.sleep(0.3)
    client.close(timeout=1)
    assert asked == []


def test_an_on_error_that_exits_does_not_stop_delivery(
    scripted_server: ScriptedServer, lost_exceptions: list[BaseException]
) -> None:
    seen: list[str] = []

    def fails(event: Event) -> None:
        seen.append(event.type)
        raise ValueError("boom")

    def exits(error: BaseException) -> None:
        raise SystemExit(1)

    with Client(scripted_server.url, access_token="t") as client:
        client.on_error = exits
        client.subscribe("posts", fails, snapshot="server").wait(30)
        load_events(scripted_server, 1)
        until(lambda: len(lost_exceptions) == 4)
    assert seen == ["init", "create"]
    kinds = [type(error).__name__ for error in lost_exceptions]
    assert kinds == ["ValueError", "SystemExit"] * 2
    lost_exceptions.clear()


def test_without_a_thread_system_exit_in_a_callback_leaves_run(
    scripted_server: ScriptedServer,
) -> None:
    def exits(event: Event) -> None:
        raise SystemExit(3)

    with Client(scripted_server.url, access_token="t", thread=False) as client:
        client.subscribe("posts", exits, snapshot="server")
        with pytest.raises(SystemExit):
            client.run()


@pytest.mark.parametrize("thread", [True, False])
def test_every_call_in_a_forked_child_returns(
    scripted_server: ScriptedServer, thread: bool
) -> None:
    client = Client(scripted_server.url, access_token="t", thread=thread)
    client.wait(timeout=30)
    if not thread:
        threading.Thread(target=client.run, daemon=True).start()
        time.sleep(0.1)
    asynchronous = aio.Client(scripted_server.url, access_token="t")
    with warnings.catch_warnings():
        # Python warns of forks in programs with threads.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        right = 0
        calls = [client.run, client.dispatch, client.wait, client.unsubscribe_all]
        with contextlib.suppress(BaseException):
            for call in (*calls, client.get_active_subscriptions):
                try:
                    call()
                except dr.ForkedError:
                    right += 1
            try:
                asyncio.run(asynchronous.wait())
            except dr.ForkedError:
                right += 1
            client.close()
            client.close()
            asyncio.run(asynchronous.close())
            right += 1
        os._exit(right)
    end = time.monotonic() + 30
    status = None
    while status is None and time.monotonic() < end:
        pid, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if pid else None
        time.sleep(0.01)
    if status is None:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert status == 7
    assert client.request({"type": "ping"})["type"] == "pong"
    client.close(timeout=1)


def test_a_cancelled_close_continues_and_the_next_close_waits_for_it(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        client = aio.Client(scripted_server.url, access_token="t")
        await client.wait(timeout=30)
        waiting = [
            asyncio.ensure_future(client.request({"type": "no reply"}, timeout=30)),
            asyncio.ensure_future(client.wait("idle")),
        ]
        await asyncio.sleep(0.05)
        closing = asyncio.ensure_future(client.close(timeout=0.5))
        await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await asyncio.gather(client.close(), client.close())
        done, pending = await asyncio.wait(waiting, timeout=60)
        assert not pending
        assert {type(task.exception()) for task in done} == {dr.ClosedError}
        assert client.state == "closed"

    run(scenario)


def test_closing_leaves_no_thread_and_no_descriptor(run: Any) -> None:
    def count(what: str) -> int:
        return len(os.listdir(f"/proc/self/{what}"))

    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                client = await stack.enter_async_context(aio.Client("http://127.0.0.1:9"))
                await client.subscribe("posts")

    descriptors, threads = count("fd"), count("task")
    run(scenario)
    for thread in (True, False):
        with Client("http://127.0.0.1:9", thread=thread) as client:
            client.connect()
    until(lambda: count("task") <= threads, "a thread is left")
    until(lambda: count("fd") <= descriptors, "a descriptor is left")


@pytest.mark.parametrize("thread", [True, False])
def test_a_closing_handshake_that_takes_the_whole_timeout_is_no_error(
    scripted_server: ScriptedServer, thread: bool
) -> None:
    client = Client(scripted_server.url, access_token="t", thread=thread)
    states: list[str] = []

    def slowly(change: dr.StateChange) -> None:
        time.sleep(0.1)
        states.append(change.state.value)

    client.wait(timeout=30)
    client.on_state(slowly)
    # The server does not answer the close frame.
    client.close(timeout=0.1)
    assert states[-1] == "closed"


@pytest.mark.parametrize("thread", [True, False])
def test_close_ends_at_its_timeout_while_a_token_callback_runs(
    scripted_server: ScriptedServer, thread: bool
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slowly(error: Any) -> None:
        inside.set()
        leave.wait(60)

    client = Client(scripted_server.url, thread=thread)
    client.on_token(slowly)
    client.connect()
    if not thread:
        threading.Thread(target=client.run, daemon=True).start()
    assert inside.wait(30)
    began = time.monotonic()
    with pytest.raises(dr.TimeoutError, match="callback"):
        client.close(timeout=0.2)
    assert time.monotonic() - began < 0.9
    leave.set()
    client.close(timeout=30)
