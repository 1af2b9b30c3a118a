"""Under eventlet, gevent and uWSGI the package works, or says once why it cannot."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import directus_realtime
import pytest
from conftest import TIMEOUT, until
from scripted_server import Link, ScriptedServer

SOURCES = Path(directus_realtime.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1"}
REFUSAL = "uWSGI runs no Python threads, so no callback would run between requests"

GREEN = {
    "eventlet": "import eventlet; eventlet.monkey_patch(); spawn = eventlet.spawn",
    "gevent": "from gevent import monkey, spawn; monkey.patch_all()",
}

#: Beside a green thread that must get its turns. Its arguments: the address, and the mode.
PROGRAM = """
    import sys, threading, time
    import directus_realtime as dr

    turns = []

    def other():
        while True:
            time.sleep(0.01)
            turns.append(time.monotonic())

    spawn(other)
    inits = []
    client = dr.Client(sys.argv[1], access_token="t", thread=sys.argv[2] == "thread")
    with client:
        client.subscribe("posts", lambda event: inits.append(event.type), snapshot="server")
        while not inits:
            if sys.argv[2] == "thread":
                time.sleep(0.05)
            else:
                client.dispatch(timeout=1)
        pongs = []
        ask = lambda: pongs.append(client.request({"type": "ping"}, timeout=30)["type"])
        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        turns.clear()
        if sys.argv[2] == "thread":
            time.sleep(0.5)
        else:
            client.dispatch(timeout=0.5)
        assert len(turns) > 5, turns
    print(client.state, inits, pongs)
"""


def need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def run(beginning: str, *arguments: str) -> tuple[str, str]:
    """Runs the program after such a beginning; returns its output and its errors."""
    program = textwrap.dedent(beginning) + textwrap.dedent(PROGRAM)
    # eventlet warns of itself.
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    done = subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    return done.stdout, done.stderr


@pytest.fixture
def answering_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["thread", "dispatch"])
@pytest.mark.parametrize("imported", ["before", "after"])
@pytest.mark.parametrize("green", GREEN)
def test_a_client_works_among_green_threads(
    answering_server: ScriptedServer, green: str, imported: str, mode: str
) -> None:
    need(green)
    first = "import directus_realtime\n" if imported == "before" else ""
    output, errors = run(first + GREEN[green], answering_server.url, mode)
    assert (output, errors) == ("closed ['init'] ['pong', 'pong', 'pong']\n", "")


class Uwsgi:
    """uWSGI with an application that makes a client when it is loaded."""

    def __init__(self, folder: Path, url: str, thread: bool, *options: str) -> None:
        application = folder / "application.py"
        application.write_text(
            textwrap.dedent(
                f"""
                import directus_realtime as dr
                client = dr.Client({url!r}, access_token="t", reconnect_min=0.05, thread={thread})
                client.subscribe("posts", lambda event: print("event", event.type, flush=True))
                def application(environment, respond):
                    raise AssertionError("the test makes no request")
                """
            )
        )
        self._log = folder / "log"
        command = [Path(sys.executable).with_name("pyuwsgi"), "--socket", folder / "socket"]
        command += ["--wsgi-file", application, "--need-app", "--die-on-term", *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Uwsgi:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def test_uwsgi_with_threads_runs_callbacks_between_requests(
    tmp_path: Path,
) -> None:
    need("pyuwsgi")
    links: list[Link] = []
    server = ScriptedServer(on_message=lambda message, link: links.append(link))
    try:
        with Uwsgi(tmp_path, server.url, True, "--enable-threads") as uwsgi:
            until(lambda: "event init" in uwsgi.log, uwsgi.log)
            links[-1].drop()
            # Also a link that is lost, which is logged by the interpreter, is repaired.
            until(lambda: uwsgi.log.count("event init") == 2, uwsgi.log)
    finally:
        server.close()


@pytest.mark.parametrize("thread", [True, False])
def test_uwsgi_without_threads_is_one_error(
    answering_server: ScriptedServer, tmp_path: Path, thread: bool
) -> None:
    need("pyuwsgi")
    with Uwsgi(tmp_path, answering_server.url, thread) as uwsgi:
        assert uwsgi.process.wait(TIMEOUT) != 0
        assert uwsgi.log.count(f"DirectusRealtimeError: {REFUSAL}") == 1
        assert uwsgi.log.count("Traceback") == 1
    assert answering_server.links == 0
