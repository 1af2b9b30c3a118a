"""The asyncio client against a real server."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from typing import Any

import directus_realtime as dr
import pytest
from conftest import load_events
from directus_realtime import Event, State
from directus_realtime.aio import Client
from loops import until
from scripted_server import ScriptedServer


def test_an_asyncio_subscription_without_a_callback_is_iterated_over(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(server.url, **options) as client:
            posts = await client.subscribe("posts", query={"filter": {"title": {"_eq": "aio"}}})
            await posts.wait(30)
            made = await client.items("posts").create({"title": "aio"})
            seen: list[Event] = []
            async for event in posts:
                seen.append(event)
                if len(seen) == 2:
                    break
            await client.items("posts").delete(made["id"])
            seen.append(await posts.__anext__())
            assert [event.type for event in seen] == ["init", "create", "delete"]
            assert seen[1].data == made
            assert posts.unsubscribe()
            assert [event async for event in posts] == []

    run(scenario)


def test_asyncio_callbacks_run_on_the_loop_one_after_the_other(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        threads, plain, awaited = set(), [], []

        def show(event: Event) -> None:
            threads.add(threading.get_ident())
            plain.append(event.type)

        async def slowly(event: Event) -> None:
            awaited.append(("begin", event.type))
            await asyncio.sleep(0.05)
            awaited.append(("end", event.type))

        async with Client(server.url, **options) as client:
            await (await client.subscribe("codes", show)).wait(30)
            await (await client.subscribe("codes", slowly)).wait(30)
            await client.items("codes").create([{"code": f"aio-{n}"} for n in range(3)])
            await until(lambda: len(awaited) == 8 and len(plain) == 4)
            assert set(threading.enumerate()) <= before
            await client.items("codes").delete([f"aio-{n}" for n in range(3)])
        assert threads == {threading.get_ident()}
        # One after the other.
        assert [phase for phase, _ in awaited[:8]] == ["begin", "end"] * 4

    before = set(threading.enumerate())
    run(scenario)


def test_asyncio_scopes_requests_and_refusals_work_as_in_the_synchronous_client(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(server.url, **options) as client:
            await client.wait(timeout=30)
            assert client.is_connected
            async with client.scope() as scope:
                await scope.subscribe("posts", print, uid="scoped", event="delete")
                keep = await scope.subscribe("posts", lambda e: None, uid="kept", persistent=True)
                assert len(client.get_active_subscriptions()) == 2
            assert client.get_active_subscriptions() == [keep]
            assert (await client.request({"type": "ping"}))["type"] == "pong"
            with pytest.raises(dr.ServerError, match="INVALID_COLLECTION"):
                await client.items("directus_users").read()
            with pytest.raises(dr.TimeoutError):
                await client.request({"type": "unheard of"}, timeout=0.2)
            refused = await client.subscribe("no_such_collection")
            with pytest.raises(dr.ServerError, match="FORBIDDEN"):
                await refused.wait(30)
            with pytest.raises(dr.ServerError, match="FORBIDDEN"):
                await refused.__anext__()
            assert [event async for event in refused] == []
            with pytest.raises(dr.InvalidArgumentError, match="callback"):
                keep.__aiter__()
            with pytest.raises(TypeError, match="callback"):
                await client.subscribe("posts", 3)  # type: ignore[arg-type]
        assert keep.ended
        with pytest.raises(dr.ClosedError):
            await client.subscribe("posts")
        with pytest.raises(dr.ClosedError):
            await client.request({"type": "ping"})
        await client.close()

    run(scenario)


def test_cancelling_an_asyncio_call_loses_no_event(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(server.url, **options) as client:
            posts = await client.subscribe("posts", query={"limit": 1})
            assert (await posts.__anext__()).type == "init"
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(posts.__anext__(), 0.05)
            task = asyncio.ensure_future(client.request({"type": "unheard of"}))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            made = await client.items("posts").create({"title": "after a cancel"})
            event = await posts.__anext__()
            assert (event.type, event.data["id"]) == ("create", made["id"])
            # An iteration that waits ends with the subscription.
            waiting = asyncio.ensure_future(posts.__anext__())
            await asyncio.sleep(0)
            posts.unsubscribe()
            with pytest.raises(StopAsyncIteration):
                await waiting

    async def guarded() -> None:
        await scenario()

    run(guarded)


def test_an_asyncio_client_that_has_failed_connects_with_a_fresh_token(
    run: Any, server: Any
) -> None:
    async def scenario() -> None:
        states: list[State] = []
        async with Client(server.url, access_token="wrong") as client:
            client.on_state(lambda change: states.append(change.state))
            posts = await client.subscribe("posts")
            with pytest.raises(dr.AuthenticationError):
                await posts.wait()
            with pytest.raises(dr.AuthenticationError):
                await client.wait()

            async def fresh(error: Any) -> str:
                await asyncio.sleep(0)
                return str(server.rest.token)

            client.on_token(fresh)
            client.connect()
            await client.wait("connected", 30)
            await posts.wait(30)
        assert states[-2:] == [State.CONNECTED, State.CLOSED]

    run(scenario)


def test_exceptions_of_asyncio_callbacks_go_to_the_loops_handler_or_on_error(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        handled: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: handled.append(context["exception"])
        )

        def fails(event: Event) -> None:
            raise ZeroDivisionError

        async def fails_later(event: Event) -> None:
            await asyncio.sleep(0)
            raise ValueError

        async with Client(server.url, **options) as client:
            await (await client.subscribe("posts", fails)).wait(30)
            assert [type(error) for error in handled] == [ZeroDivisionError]
            client.on_error = handled.append
            await client.subscribe("posts", fails_later)
            await until(lambda: len(handled) == 2)
            assert isinstance(handled[1], ValueError)

    run(scenario)


def test_events_that_are_not_iterated_over_stay_in_the_librarys_queue(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        async with Client(scripted_server.url, access_token="t", heartbeat=0.5) as client:
            posts = await client.subscribe("posts", snapshot="server")
            await posts.wait(30)
            await asyncio.get_running_loop().run_in_executor(
                None, load_events, scripted_server, 40_000
            )
            await until(lambda: client.stats.frames_in >= 40_000)
            # The heartbeat continues: the link is not closed meanwhile.
            assert client.stats.queued_events > 1000
            ids = [e.data["id"] for e in [await posts.__anext__() for _ in range(40_001)][1:]]
            assert ids == list(range(40_000))

    run(scenario)


def test_a_request_is_answered_though_many_events_are_queued_before_its_reply(
    run: Any, scripted_server: ScriptedServer
) -> None:
    async def scenario() -> None:
        async with Client(scripted_server.url, access_token="t") as client:
            posts = await client.subscribe("posts", snapshot="server")
            await asyncio.get_running_loop().run_in_executor(
                None, load_events, scripted_server, 40_000
            )
            await until(lambda: client.stats.frames_in >= 40_000)
            async for event in posts:
                if event.type == "create":
                    assert (await client.request({"type": "ping"}))["type"] == "pong"
                    if event.data["id"] == 20:
                        break

    run(scenario)


def test_an_unreferenced_asyncio_client_scope_or_subscription_is_closed(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        client = Client(server.url, **options)
        posts = await client.subscribe("posts")
        scope = client.scope()
        await scope.subscribe("posts", lambda event: None, uid="scoped")
        await posts.wait(30)
        assert len(client.get_active_subscriptions()) == 2
        del scope
        gc.collect()
        assert client.get_active_subscriptions() == [posts]
        del posts
        gc.collect()
        core = client._core
        await until(lambda: not core.subscriptions.all())
        gone = weakref.ref(client)
        del client
        gc.collect()
        assert gone() is None
        await until(lambda: core.link.state() is State.CLOSED)

    run(scenario)


def test_a_wait_for_a_state_ends_though_other_states_follow_in_the_same_turn(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with Client(server.url, **options) as client:
            waiting = asyncio.ensure_future(client.wait("authenticating", 30))
            connecting = asyncio.ensure_future(client.wait("connected", 30))
            while len(client._core.states.waiters) < 2 and not waiting.done():
                await asyncio.sleep(0)
            # The loop is busy until all changes are there.
            client._flow.stop()
            while client.state is not State.CONNECTED:
                time.sleep(0.01)
            client._flow.resume()
            await waiting
            await connecting

    run(scenario)
