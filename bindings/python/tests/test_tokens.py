"""Token callbacks: one at a time, and none whose token is not needed any more."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, aio
from loops import until as until_on_loop
from server import ADMIN


@pytest.mark.parametrize("thread", [True, False])
def test_a_token_that_is_returned_while_the_client_closes_is_ignored(
    server: Any, thread: bool
) -> None:
    asked, leave = threading.Event(), threading.Event()

    def slowly(error: Any) -> str:
        asked.set()
        leave.wait(30)
        return ADMIN

    client = Client(server.url, thread=thread)
    client.on_token(slowly)
    client.connect()
    running = threading.Thread(target=client.run, daemon=True)
    running.start()
    assert asked.wait(30)
    closing = threading.Thread(target=client.close, args=(30,), daemon=True)
    closing.start()
    until(lambda: client.closed)
    time.sleep(0.2)
    leave.set()
    for each in (closing, running):
        each.join(30)
        assert not each.is_alive()
    # An exception of the callback fails the test: see conftest.py.


def test_a_token_that_a_coroutine_returns_while_the_client_closes_is_ignored(
    run: Any, server: Any
) -> None:
    async def scenario() -> None:
        lost: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(context))
        asked, leave = asyncio.Event(), asyncio.Event()

        async def slowly(error: Any) -> str:
            asked.set()
            await leave.wait()
            return ADMIN

        client = aio.Client(server.url)
        client.on_token(slowly)
        client.connect()
        await asked.wait()
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0.05)
        leave.set()
        await closing
        await asyncio.sleep(0.05)
        assert lost == []

    run(scenario)


@pytest.mark.parametrize("thread", [True, False])
def test_a_slow_token_callback_is_called_once_and_its_late_token_is_used(
    server: Any, options: dict[str, Any], thread: bool
) -> None:
    asked: list[Any] = []

    def slowly(error: Any) -> str:
        asked.append(error)
        time.sleep(1.5)
        return ADMIN

    given = {**options, "access_token": None, "ack_timeout": 0.3}
    with Client(server.url, thread=thread, **given) as client:
        client.on_token(slowly)
        client.subscribe("posts", lambda event: None).wait(30)
        time.sleep(0.5)
        if not thread:
            client.dispatch(timeout=0.1)
        assert len(asked) == 1


def test_a_slow_token_coroutine_is_called_once_and_its_late_token_is_used(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        asked: list[Any] = []

        async def slowly(error: Any) -> str:
            asked.append(error)
            await asyncio.sleep(1.5)
            return ADMIN

        given = {**options, "access_token": None, "ack_timeout": 0.3}
        async with aio.Client(server.url, **given) as client:
            client.on_token(slowly)
            await (await client.subscribe("posts")).wait(30)
            await asyncio.sleep(0.5)
            assert len(asked) == 1

    run(scenario)


def test_a_token_coroutine_that_fails_is_called_again(
    run: Any, server: Any, options: dict[str, Any]
) -> None:
    async def scenario() -> None:
        asked: list[Any] = []

        async def moody(error: Any) -> str:
            asked.append(error)
            await asyncio.sleep(0.8)
            if len(asked) == 1:
                raise KeyError("no token today")
            return ADMIN

        given = {**options, "access_token": None, "ack_timeout": 0.3}
        async with aio.Client(server.url, **given) as client:
            errors: list[BaseException] = []
            client.on_error = errors.append
            client.on_token(moody)
            client.connect()
            await until_on_loop(lambda: client.is_connected)
            assert [type(error) for error in errors] == [KeyError]
            assert len(asked) == 2

    run(scenario)


def test_a_token_callback_that_returns_no_str_is_reported(server: Any) -> None:
    with Client(server.url) as client:
        errors: list[BaseException] = []
        client.on_error = errors.append
        client.on_token(lambda error: 7)
        client.connect()
        until(lambda: errors)
        assert isinstance(errors[0], TypeError)
        assert isinstance(client.state, dr.State)


@pytest.mark.parametrize("thread", [True, False])
def test_a_wrong_token_is_asked_for_again_at_once(server: Any, thread: bool) -> None:
    asked: list[Any] = []

    def improve(error: Any) -> str:
        asked.append(error)
        return ADMIN if len(asked) > 1 else "wrong"

    with Client(server.url, thread=thread, ack_timeout=30) as client:
        client.on_token(improve)
        client.wait(timeout=60)
        assert len(asked) == 2


def test_the_token_callback_can_be_replaced_and_removed(server: Any) -> None:
    asked: list[str] = []

    def remember(name: str) -> Any:
        return lambda error: asked.append(name) or ADMIN

    with Client(server.url, ack_timeout=30) as client:
        for callback in (remember("a"), None, None, remember("b"), remember("c")):
            client.on_token(callback)
        client.wait(timeout=60)
        assert asked == ["c"]
    with Client(server.url) as client:
        client.on_token(remember("d"))
        client.on_token(None)
        with pytest.raises(dr.AuthenticationError):
            client.wait(timeout=60)
    assert asked == ["c"]


@pytest.mark.parametrize("thread", [True, False])
def test_a_wait_that_ends_while_the_token_callback_runs_says_so(server: Any, thread: bool) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slowly(error: Any) -> None:
        inside.set()
        leave.wait(60)

    with Client(server.url, thread=thread) as client:
        client.on_token(slowly)
        client.connect()
        if not thread:
            threading.Thread(target=client.run, daemon=True).start()
        assert inside.wait(30)
        with pytest.raises(dr.ConnectTimeoutError, match="on_token callback has not returned"):
            client.wait(timeout=0.2)
        leave.set()


def test_a_wait_that_ends_while_the_token_coroutine_runs_says_so(run: Any, server: Any) -> None:
    async def scenario() -> None:
        inside, leave = asyncio.Event(), asyncio.Event()

        async def slowly(error: Any) -> None:
            inside.set()
            await leave.wait()

        async with aio.Client(server.url, ack_timeout=0.2, reconnect_min=0.01) as client:
            states: list[str] = []
            client.on_state(lambda change: states.append(change.message))
            client.on_token(slowly)
            client.connect()
            await inside.wait()
            # The library has given up this attempt.
            await until_on_loop(lambda: any("no access token" in text for text in states))
            with pytest.raises(dr.ConnectTimeoutError, match="on_token callback has not returned"):
                await client.wait(timeout=0.2)
            leave.set()

    run(scenario)
