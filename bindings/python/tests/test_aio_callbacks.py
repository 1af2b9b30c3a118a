"""Coroutine callbacks and iterators: their order, exceptions and flow control."""

from __future__ import annotations

import asyncio
from typing import Any

import directus_realtime as dr
import pytest
from conftest import load_events
from directus_realtime import Event
from directus_realtime.aio import Client
from loops import until
from scripted_server import ScriptedServer


async def load(scripted_server: ScriptedServer, events: int, first: int = 0) -> None:
    await asyncio.get_running_loop().run_in_executor(
        None, load_events, scripted_server, events, first
    )


async def cancelled() -> None:
    """Ends as a coroutine does that awaits a future which was cancelled elsewhere."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


@pytest.mark.parametrize("coroutine", [True, False])
def test_a_callback_that_ends_in_a_cancelled_error_is_reported_and_delivery_continues(
    run: Any, scripted_server: ScriptedServer, coroutine: bool
) -> None:
    async def scenario() -> None:
        order: list[int] = []
        handled: list[BaseException] = []

        def note(event: Event) -> bool:
            if event.type == "create":
                order.append(event.data["id"])
            return order == [0]

        async def slowly(event: Event) -> None:
            is_first = note(event)
            await asyncio.sleep(0.001)
            if is_first:
                await cancelled()

        def at_once(event: Event) -> None:
            if note(event):
                future = asyncio.get_running_loop().create_future()
                future.cancel()
                future.result()

        async with Client(scripted_server.url, access_token="t") as client:
            client.on_error = handled.append
            callback: Any = slowly if coroutine else at_once
            await client.subscribe("posts", callback, snapshot="server")
            await load(scripted_server, 100)
            await until(lambda: len(order) == 100)
            assert order == list(range(100))
            assert [type(error) for error in handled] == [asyncio.CancelledError]

    run(scenario)


def test_a_plain_callback_that_fails_between_coroutines_is_reported(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        handled: list[BaseException] = []
        seen: list[Any] = []

        async def later(event: Event) -> None:
            await asyncio.sleep(0.01)
            seen.append(event.type)

        def sometimes(event: Event) -> Any:
            if event.type == "create" and event.data["id"] == 1:
                raise ValueError(event.data)
            return later(event)

        async with Client(scripted_server.url, access_token="t") as client:
            client.on_error = handled.append
            await client.subscribe("posts", sometimes, snapshot="server")
            await load(scripted_server, 4)
            await until(lambda: len(seen) == 4)
        assert [str(error) for error in handled] == [str(ValueError(handled[0].args[0]))]

    run(scenario)


@pytest.mark.parametrize("pending", ["nothing", "state", "subscription"])
def test_a_wait_for_something_else_does_not_lift_the_limit_of_held_events(
    run: Any, scripted_server: ScriptedServer, pending: str
) -> None:
    async def scenario() -> None:
        async with Client(scripted_server.url, access_token="t") as client:
            posts = await client.subscribe("posts", snapshot="server")
            await posts.wait(30)
            waiting: list[Any] = []
            if pending == "state":
                waiting.append(asyncio.ensure_future(client.wait("idle")))
            if pending == "subscription":
                # The server does not answer its read.
                other = await client.subscribe("authors", lambda event: None)
                waiting.append(asyncio.ensure_future(other.wait()))
            await asyncio.sleep(0.05)
            await load(scripted_server, 40_000)
            await until(lambda: client.stats.frames_in >= 40_000)
            await asyncio.sleep(0.3)
            assert client._flow.held < 2 << 20
            if pending == "state":
                # The wait ends all the same.
                client.disconnect()
                await asyncio.wait_for(waiting[0], 10)
            for each in waiting:
                each.cancel()

    run(scenario)


def test_a_request_lifts_the_limit_of_held_events_as_far_as_its_reply_can_be(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        async with Client(scripted_server.url, access_token="t", queue_bytes=1 << 20) as client:
            posts = await client.subscribe("posts", snapshot="server")
            await posts.wait(30)
            asking = asyncio.ensure_future(client.request({"type": "unheard of"}, timeout=0.5))
            await asyncio.sleep(0.05)
            await load(scripted_server, 40_000)
            assert client._flow.held < 4 << 20
            with pytest.raises(dr.TimeoutError):
                await asking

    run(scenario)


def test_waits_that_time_out_or_are_cancelled_leave_no_waiter_behind(run: Any) -> None:
    async def scenario() -> None:
        async with Client("http://127.0.0.1:9", access_token="t") as client:
            posts = await client.subscribe("posts")
            for _ in range(20):
                with pytest.raises(dr.TimeoutError):
                    await posts.wait(0.001)
                with pytest.raises(dr.TimeoutError):
                    await client.wait(timeout=0.001)
            waiting = asyncio.ensure_future(posts.wait())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not posts._state.waiters
            assert not client._core.states.waiters
            assert not client._flow.when_paused
            assert client._flow.expected == 0

    run(scenario)


def test_using_a_client_on_another_event_loop_is_an_error(scripted_server: ScriptedServer) -> None:
    client = Client(scripted_server.url, access_token="t")

    async def first() -> None:
        await client.wait(timeout=30)

    async def second() -> None:
        for call in (
            lambda: client.request({"type": "ping"}),
            lambda: client.subscribe("posts"),
            lambda: client.wait("idle"),
        ):
            with pytest.raises(dr.InvalidArgumentError, match="another event loop"):
                await call()
        await client.close(timeout=1)

    asyncio.run(first())
    asyncio.run(second())
    assert client.closed


def test_the_task_of_a_callback_ends_with_its_event_loop(
    scripted_server: ScriptedServer,
) -> None:
    started: list[int] = []

    async def scenario() -> None:
        async def slowly(event: Event) -> None:
            started.append(event.sequence)
            await asyncio.sleep(60)

        client = Client(scripted_server.url, access_token="t")
        await client.subscribe("posts", slowly, snapshot="server")
        await load(scripted_server, 5)
        await until(lambda: started)

    asyncio.run(scenario())
    assert started == [1]
