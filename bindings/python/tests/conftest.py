"""Real servers for the tests, and patience."""

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
PATIENCE = 60.0


def until(condition: Callable[[], Any], what: str = "", seconds: float = PATIENCE) -> Any:
    """Waits for something, and says what did not come."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what or "it did not happen"
        time.sleep(0.01)


def collected(dead: Callable[[], Any]) -> bool:
    """Whether garbage is, after a collection."""
    gc.collect()
    return dead() is None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that the tests share; nobody stops it."""
    with Server("12.4.0") as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server for one test, which may stop it."""
    with Server("12.4.0") as running:
        yield running


@pytest.fixture(scope="session")
def old_server() -> Iterator[Server]:
    """A server of the line before."""
    with Server("11.17.4") as running:
        yield running


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is installed."""
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
    """The administrator, who does not wait long between attempts."""
    return {"access_token": ADMIN, "reconnect_min": 0.05, "reconnect_max": 0.5}


@pytest.fixture(autouse=True)
def nothing_is_swallowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """An exception that a callback lost fails the test that did not expect it."""
    lost: list[BaseException] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: lost.append(args.exc_value))
    yield lost
    assert not lost, lost


@pytest.fixture(params=[run_on_asyncio, run_on_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine function on a loop."""
    return request.param
