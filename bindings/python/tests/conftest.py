"""The servers, options and loops that the tests share."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loops import run_on_asyncio, run_on_uvloop

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("directus", "scripted_server")]

from scripted_server import ScriptedServer  # noqa: E402
from server import ADMIN, Server  # noqa: E402
from wheels import build_wheel  # noqa: E402

#: Long enough for any machine.
TIMEOUT = 60.0


def until(condition: Callable[[], Any], what: str = "", seconds: float = TIMEOUT) -> Any:
    """Waits for a condition; the assertion error says which one has not become true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what or "it did not happen"
        time.sleep(0.01)


def collected(dead: Callable[[], Any]) -> bool:
    """Runs the garbage collector, and returns whether an object is gone."""
    gc.collect()
    return dead() is None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that the tests share, and never stop."""
    with Server("12.4.0") as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test, which may stop it."""
    with Server("12.4.0") as running:
        yield running


@pytest.fixture(scope="session")
def old_server() -> Iterator[Server]:
    """A server of the older line, 11.x."""
    with Server("11.17.4") as running:
        yield running


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the package."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def start_scripted_server() -> Iterator[Callable[[], ScriptedServer]]:
    """Starts servers that answer neither reads nor close frames: waiting for those takes as long
    as it may."""
    started: list[ScriptedServer] = []

    def start() -> ScriptedServer:
        started.append(ScriptedServer(withhold=("items", "close")))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def scripted_server(start_scripted_server: Callable[[], ScriptedServer]) -> ScriptedServer:
    """Such a server."""
    return start_scripted_server()


def load_events(server: ScriptedServer, count: int, first: int = 0) -> None:
    """Sends creates of posts, with the ids that follow, as fast as the client takes them."""
    server.load("posts", count, first, title="x" * 150)


@pytest.fixture
def options() -> dict[str, Any]:
    """The options of a client of the administrator, with short backoffs."""
    return {"access_token": ADMIN, "reconnect_min": 0.05, "reconnect_max": 0.5}


@pytest.fixture(autouse=True)
def lost_exceptions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Exceptions that were reported as unraisable: a test that expects some clears the list."""
    lost: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: lost.append(args.exc_value))
    yield lost
    assert not lost, lost


@pytest.fixture(params=[run_on_asyncio, run_on_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine function on a loop."""
    return request.param
