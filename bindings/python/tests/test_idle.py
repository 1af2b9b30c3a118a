"""An idle client sleeps: it wakes for heartbeats, and for nothing else."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from directus_realtime import Client, aio
from scripted_server import ScriptedServer

#: How long the client is watched, and how often its threads may wake meanwhile, of which the
#: measurement itself takes a few.
SECONDS = 3.0
MOST = 5


def switches() -> int:
    """How often the threads of this process have gone to sleep so far."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def watch() -> int:
    """How often threads have woken in the following seconds."""
    before = switches()
    time.sleep(SECONDS)
    return switches() - before


def idle(url: str, kind: str) -> int:
    """Wakes in a process that does nothing but hold a client, which calls wait for."""
    if kind == "asyncio":
        return asyncio.run(idle_on_asyncio(url))
    client = Client(url, access_token="t", thread=kind != "unthreaded")
    client.subscribe("posts", print, snapshot="server")
    client.wait(timeout=30)
    waiting: list[Any] = [client.run]
    if kind == "waiting":
        waiting += [lambda: client.wait("failed"), lambda: client.request({"type": "none"})]
    for call in waiting:
        threading.Thread(target=call, daemon=True).start()
    time.sleep(0.5)
    return watch()


async def idle_on_asyncio(url: str) -> int:
    async with aio.Client(url, access_token="t") as client:
        posts = await client.subscribe("posts", snapshot="server")
        await posts.wait(30)
        waiting = [
            asyncio.ensure_future(call)
            for call in (client.run(), client.wait("idle"), client.request({"type": "none"}))
        ]
        await asyncio.sleep(0.5)
        loop, found = asyncio.get_running_loop(), asyncio.Event()
        numbers: list[int] = []

        def measure() -> None:
            numbers.append(watch())
            loop.call_soon_threadsafe(found.set)

        threading.Thread(target=measure).start()
        await found.wait()
        for each in waiting:
            each.cancel()
    return numbers[0]


@pytest.mark.parametrize("kind", ["threaded", "unthreaded", "waiting", "asyncio"])
def test_an_idle_client_wakes_for_heartbeats_only(
    scripted_server: ScriptedServer, kind: str
) -> None:
    result = subprocess.run(
        [sys.executable, __file__, scripted_server.url, kind],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.splitlines()[-1]) <= MOST, result.stdout


if __name__ == "__main__":
    print(idle(*sys.argv[1:]), flush=True)
    os._exit(0)
