"""What does not work is reported at once, with the reason and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client, State, aio
from readme import program_at
from scripted_server import ScriptedServer
from server import ADMIN, Server
from test_process import python, started

#: Within so many seconds the reason must be printed.
SECONDS = 5.0


@contextlib.contextmanager
def answering(text: str) -> Iterator[str]:
    """The URL of a web server that answers every request with this text."""
    refuse = text.replace("\n", "\r\n")
    with contextlib.closing(ScriptedServer(refuse=refuse)) as scripted_server:
        yield scripted_server.url


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def without_websockets() -> Iterator[str]:
    with Server("12.4.0", {"WEBSOCKETS_ENABLED": "false"}) as server:
        yield server.url


Trouble = tuple[str, str, list[str]]


@pytest.fixture(params=["closed port", "404", "a page", "disabled", "wrong token"])
def trouble(request: pytest.FixtureRequest) -> Iterator[Trouble]:
    """A URL, a token, and the words that must be printed."""
    page = "Content-Type: text/html\nContent-Length: 15\nConnection: close\n\n<h1>Hello</h1>\n"
    if request.param == "closed port":
        url = request.getfixturevalue("closed_port")
        yield url, "t", ["refused the connection", "is the server running?"]
    elif request.param == "404":
        with answering("HTTP/1.1 404 Not Found\nContent-Length: 0\nConnection: close\n\n") as url:
            yield url, "t", ["no WebSocket at that path", "check the URL"]
    elif request.param == "a page":
        with answering(f"HTTP/1.1 200 OK\n{page}") as url:
            yield url, "t", ["does not upgrade to WebSocket", "check the path"]
    elif request.param == "disabled":
        url = request.getfixturevalue("without_websockets")
        yield url, ADMIN, ["no WebSocket at that path", "WEBSOCKETS_ENABLED"]
    else:
        yield request.getfixturevalue("server").url, "wrong", ["refused the access token"]


@pytest.mark.parametrize("shows_states", [True, False])
@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_a_program_of_the_readme_prints_why_it_cannot_connect(
    trouble: Trouble, kind: str, shows_states: bool
) -> None:
    url, token, words = trouble
    text = program_at(kind, url, token)
    if not shows_states:
        assert "client.on_state(print)" in text
        text = text.replace("client.on_state(print)", "pass")
    printed: list[str] = []
    with started([sys.executable, "-u", "-c", text]) as process:

        def read(stream: Any) -> None:
            for line in stream:
                printed.append(line)

        streams = (process.stdout, process.stderr)
        readers = [threading.Thread(target=read, args=(stream,)) for stream in streams]
        for reader in readers:
            reader.start()
        try:
            until(
                lambda: all(word in "".join(printed) for word in words),
                f"{words} not in {printed}",
                SECONDS + 1,
            )
            if token == "wrong":
                assert process.wait(10) == 1
        finally:
            process.kill()
            for reader in readers:
                reader.join()
    if token == "wrong":
        assert "AuthenticationError" in "".join(printed)


def test_each_reason_is_logged_as_a_warning_once(
    closed_port: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(closed_port, access_token="t", reconnect_min=0.01, reconnect_max=0.02) as client:
        client.connect()
        until(lambda: caplog.records)
        attempts: list[Any] = []
        client.on_state(attempts.append)
        until(lambda: len(attempts) > 10)
    lines = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert len(lines) == 1, lines
    assert lines[0][0] == logging.WARNING
    assert "refused the connection: is the server running?" in lines[0][1]
    assert caplog.records[0].name.startswith("directus_realtime.")


def test_a_failure_is_logged_as_an_error(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with Client(server.url, access_token="wrong") as client:
        with pytest.raises(dr.AuthenticationError):
            client.wait(timeout=30)
        until(lambda: caplog.records)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "refused the access token" in caplog.records[0].getMessage()


PROGRAM = """
import sys, time, directus_realtime as dr
{}
client = dr.Client(sys.argv[1], access_token="t", reconnect_min=0.01, reconnect_max=0.02)
seen = []
client.on_state(seen.append)
client.connect()
while sum(change.state == "backoff" for change in seen) < 3:
    time.sleep(0.01)
client.close()
"""


@pytest.mark.parametrize(
    ("level", "setup", "times"),
    [
        ("", "", 1),
        ("warn", "", 1),
        ("error", "", 0),
        ("off", "", 0),
        ("warn", "dr.set_log(30)", 1),
        ("", "dr.set_log(50)", 0),
        ("", "import logging; logging.getLogger('directus_realtime').setLevel(50)", 0),
        ("", "dr.set_log(30, lambda *line: print(*line, file=sys.stderr))", 1),
    ],
)
def test_no_line_is_logged_twice(
    closed_port: str, monkeypatch: pytest.MonkeyPatch, level: str, setup: str, times: int
) -> None:
    monkeypatch.setenv("DRT_LOG", level)
    result = python(PROGRAM.format(setup), closed_port)
    assert result.returncode == 0, result
    assert result.stderr.count("refused the connection") == times, result.stderr


@pytest.mark.parametrize("thread", [True, False])
def test_run_raises_why_the_client_has_failed_and_continues_with_a_fresh_token(
    server: Any, thread: bool
) -> None:
    seen: list[str] = []
    with Client(server.url, access_token="wrong", thread=thread) as client:
        client.subscribe("posts", lambda event: seen.append(event.type))
        for _ in range(2):
            with pytest.raises(dr.AuthenticationError, match="refused the access token"):
                client.run()
        assert len(client.get_active_subscriptions()) == 1
        client.set_token(ADMIN)
        threading.Timer(1.0, client.close).start()
        client.run()
    assert seen == ["init"]


def test_run_does_not_raise_a_failure_that_on_state_has_repaired(server: Any) -> None:
    with Client(server.url, access_token="wrong") as client:

        def repair(change: dr.StateChange) -> None:
            if change.state is State.FAILED:
                client.set_token(ADMIN)

        client.on_state(repair)
        client.subscribe("posts", lambda event: threading.Thread(target=client.close).start())
        client.run()


def test_async_for_raises_why_the_client_has_failed_and_continues_with_a_fresh_token(
    run: Any, server: Any
) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, access_token="wrong") as client:
            posts = await client.subscribe("posts")
            waiting = asyncio.ensure_future(client.run())
            for _ in range(2):
                with pytest.raises(dr.AuthenticationError, match="refused the access token"):
                    async for _ in posts:
                        raise AssertionError
            with pytest.raises(dr.AuthenticationError):
                await waiting
            with pytest.raises(dr.AuthenticationError):
                await client.run()
            assert not posts.ended
            client.set_token(ADMIN)
            async for event in posts:
                assert event.type == "init"
                break
            waiting = asyncio.ensure_future(client.run())
            await asyncio.sleep(0)
        await waiting

    run(scenario)


@pytest.mark.parametrize("thread", [True, False])
def test_a_timeout_says_why_the_client_is_not_connected(closed_port: str, thread: bool) -> None:
    with Client(closed_port, access_token="t", thread=thread) as client:
        subscription = client.subscribe("posts", print)
        items = client.items("posts")
        calls: list[tuple[Callable[[], object], Any]] = [
            (lambda: client.wait(timeout=0.5), dr.ConnectTimeoutError),
            (lambda: client.wait("idle", timeout=0.5), dr.TimeoutError),
            (lambda: subscription.wait(0.5), dr.TimeoutError),
            (lambda: items.create({"title": "x"}, timeout=0.5), dr.ConnectTimeoutError),
            (lambda: items.read(timeout=0.5), dr.NotConnectedError),
            (lambda: items.update(1, {"title": "x"}, timeout=0.5), TimeoutError),
            (lambda: items.delete(1, timeout=0.5), ConnectionError),
            (lambda: client.request({"type": "ping"}), dr.NotConnectedError),
        ]
        for call, error in calls:
            with pytest.raises(error, match="refused the connection: is the server running"):
                call()


def test_a_timeout_on_asyncio_says_why_the_client_is_not_connected(
    run: Any, closed_port: str
) -> None:
    async def scenario() -> None:
        async with aio.Client(closed_port, access_token="t") as client:
            subscription = await client.subscribe("posts")
            items = client.items("posts")
            calls: list[tuple[Callable[[], Any], Any]] = [
                (lambda: client.wait(timeout=0.5), dr.ConnectTimeoutError),
                (lambda: client.wait("idle", timeout=0.5), dr.TimeoutError),
                (lambda: subscription.wait(0.5), dr.TimeoutError),
                (lambda: items.create({"title": "x"}, timeout=0.5), dr.ConnectTimeoutError),
                (lambda: items.read(timeout=0.5), dr.NotConnectedError),
                (lambda: client.request({"type": "ping"}), dr.NotConnectedError),
            ]
            for call, error in calls:
                with pytest.raises(error, match="refused the connection: is the server running"):
                    await call()

    run(scenario)


@pytest.mark.parametrize("thread", [True, False])
def test_items_wait_for_a_link(server: Any, thread: bool) -> None:
    with Client(server.url, access_token=ADMIN, thread=thread) as client:
        made = client.items("posts").create({"title": "at once"})
        client.items("posts").delete(made["id"])
        client.disconnect()
        until(lambda: client.state is State.IDLE)
        with pytest.raises(dr.NotConnectedError, match="disconnect was called"):
            client.items("posts").read()
        client.reconnect()
        assert client.items("posts").read({"limit": 1}) is not None
    with Client(server.url, access_token="wrong", thread=thread) as client:
        began = time.monotonic()
        with pytest.raises(dr.AuthenticationError):
            client.items("posts").read()
        assert time.monotonic() - began < 20


def test_items_wait_for_a_link_on_asyncio(run: Any, server: Any) -> None:
    async def scenario() -> None:
        async with aio.Client(server.url, access_token=ADMIN) as client:
            made = await client.items("posts").create({"title": "at once"})
            await client.items("posts").delete(made["id"])
            client.disconnect()
            await client.wait("idle", 30)
            with pytest.raises(dr.NotConnectedError, match="disconnect was called"):
                await client.items("posts").read()
        async with aio.Client(server.url, access_token="wrong") as client:
            with pytest.raises(dr.AuthenticationError):
                await client.items("posts").read()

    run(scenario)


def test_a_request_of_items_is_sent_as_soon_as_the_server_can_be_reached(
    own_server: Any, options: dict[str, Any]
) -> None:
    with Client(own_server.url, **options) as client:
        client.wait(timeout=30)
        own_server.kill()
        until(lambda: client.state is State.BACKOFF)
        threading.Timer(0.5, own_server.start).start()
        made = client.items("posts").create({"title": "patient"}, timeout=60)
        assert made["title"] == "patient"


def test_a_state_change_as_text_is_its_state_and_reason() -> None:
    change = dr.StateChange(State.CONNECTED, dr.Status.OK, "connected", None)
    assert str(change) == "connected"
    change = dr.StateChange(State.BACKOFF, dr.Status.IO, "x refused", None)
    assert str(change) == "backoff: x refused"


def test_tail_prints_no_log_lines_besides_the_states(closed_port: str) -> None:
    command = [sys.executable, "-m", "directus_realtime", "tail", closed_port, "posts"]
    with started([*command, "--token", "t"]) as process:
        assert process.stderr is not None
        lines: list[str] = []
        while sum("backoff: " in line for line in lines) < 2:
            lines.append(process.stderr.readline())
        assert all(line.startswith(("connecting", "backoff")) for line in lines), lines
        process.kill()
    assert isinstance(process, subprocess.Popen)


@pytest.mark.parametrize("thread", [True, False])
def test_with_send_queue_bytes_messages_wait_for_a_link(
    scripted_server: ScriptedServer, closed_port: str, thread: bool
) -> None:
    with Client(closed_port, access_token="t") as client, pytest.raises(dr.NotConnectedError):
        client.send_message({"type": "shout"})
    with Client(
        scripted_server.url, access_token="t", thread=thread, send_queue_bytes=1000
    ) as client:
        client.send_message({"type": "shout"})
        assert client.request({"type": "ping"}, timeout=30)["type"] == "pong"
        until(lambda: len(scripted_server.messages) > 2)
        assert [message["type"] for message in scripted_server.messages][1:] == ["shout", "ping"]
    with Client(closed_port, access_token="t", send_queue_bytes=1000) as client:
        with pytest.raises(dr.QueueFullError):
            client.send_message({"type": "shout", "text": "x" * 2000})
        with pytest.raises(dr.TimeoutError, match="refused the connection"):
            client.request({"type": "ping"}, timeout=0.5)
