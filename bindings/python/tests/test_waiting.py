"""A call that waits returns or raises, whatever happens and whichever thread delivers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, Event, State, aio
from scripted_server import ScriptedServer


def start(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def silent_server() -> Iterator[dict[str, Any]]:
    """The options of a client of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"ws://127.0.0.1:{server.getsockname()[1]}/websocket"
        yield {
            "url": url,
            "access_token": "t",
            "connect_timeout": 0.2,
            "reconnect_attempts": 1,
            "reconnect_min": 0.01,
            "reconnect_max": 0.02,
        }


def test_threads_get_replies_while_another_thread_delivers(scripted_server: ScriptedServer) -> None:
    client = Client(scripted_server.url, access_token="t", thread=False)
    client.wait(timeout=30)
    running = start(client.run)
    answers: list[str] = []

    def ask() -> None:
        for _ in range(20):
            answers.append(client.request({"type": "ping"}, timeout=60)["type"])
        client.wait("connected", timeout=60)

    asking = [start(ask) for _ in range(4)]
    for thread in asking:
        thread.join(30)
    assert answers == ["pong"] * 80
    client.close()
    running.join(10)
    assert not running.is_alive()


def test_a_request_delivers_when_the_delivering_thread_stops(
    scripted_server: ScriptedServer,
) -> None:
    with Client(scripted_server.url, access_token="t", thread=False) as client:
        client.wait(timeout=30)
        for _ in range(3):
            delivering = start(lambda: client.dispatch(timeout=0.3))
            with pytest.raises(dr.TimeoutError):
                client.request({"type": "unheard of"}, timeout=0.6)
            delivering.join()


def test_a_request_times_out_while_a_callback_blocks_delivery(
    scripted_server: ScriptedServer,
) -> None:
    leave, inside = threading.Event(), threading.Event()

    def block(event: Event) -> None:
        inside.set()
        leave.wait(60)

    with Client(scripted_server.url, access_token="t") as client:
        client.subscribe("posts", block, snapshot="server")
        assert inside.wait(30)
        began = time.monotonic()
        with pytest.raises(dr.TimeoutError, match="callback"):
            client.request({"type": "ping"}, timeout=0.3)
        assert time.monotonic() - began < 10
        leave.set()


@pytest.mark.parametrize("thread", [True, False])
@pytest.mark.parametrize("timeout", [None, 30])
def test_waits_raise_that_the_client_gave_up(
    silent_server: dict[str, Any], thread: bool, timeout: float | None
) -> None:
    with Client(**silent_server, thread=thread) as client:
        subscription = client.subscribe("posts", print)
        with pytest.raises(dr.TimeoutError, match="gave up"):
            subscription.wait(timeout)
        with pytest.raises(dr.TimeoutError, match="gave up"):
            client.wait(timeout=timeout)
        client.wait("failed", timeout=timeout)
        assert client.state is State.FAILED


def test_waits_on_asyncio_raise_that_the_client_gave_up(silent_server: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with aio.Client(**silent_server) as client:
            subscription = await client.subscribe("posts")
            with pytest.raises(dr.TimeoutError, match="gave up"):
                await client.wait()
            with pytest.raises(dr.TimeoutError, match="gave up"):
                await client.wait(timeout=5)
            with pytest.raises(dr.TimeoutError, match="gave up"):
                await subscription.wait()
            await client.wait("failed")

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_without_a_thread_a_wait_runs_the_token_callback(server: Any) -> None:
    with Client(server.url, thread=False) as client:
        client.on_token(lambda error: server.rest.token)
        seen: list[str] = []
        client.subscribe("posts", lambda event: seen.append(event.type)).wait(30)
        until(lambda: client.dispatch(timeout=0.1) >= 0 and seen == ["init"])


def test_waits_and_requests_end_at_their_timeout(scripted_server: ScriptedServer) -> None:
    with Client(scripted_server.url, access_token="t", thread=False) as client:
        client.wait(timeout=30)
        for call in (
            lambda: client.wait("failed", timeout=0.2),
            lambda: client.request({"type": "unheard of"}, timeout=0.2),
        ):
            began = time.monotonic()
            with pytest.raises(dr.TimeoutError):
                call()
            assert 0.15 < time.monotonic() - began < 5
        with pytest.raises(dr.InvalidArgumentError, match="state"):
            client.wait("asleep")  # type: ignore[arg-type]


def test_a_wait_on_asyncio_is_not_ended_by_a_failure_that_was_repaired_before(
    run: Any, server: Any
) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, access_token="wrong") as client:
            client.connect()
            # The event loop is busy, so that the failure is not reported yet.
            until(lambda: client.state is State.FAILED)
            client.set_token(server.rest.token)
            await client.wait(timeout=30)

    run(scenario)
