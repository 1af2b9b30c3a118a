"""Builds the wheel; with a program that checks an installed package."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "python"
PROGRAM = """
import asyncio, sys, directus_realtime as dr
from directus_realtime import aio
with dr.Client(sys.argv[1], access_token="admin-static-token") as client:
    client.subscribe("posts", lambda event: None).wait(30)
async def main():
    async with aio.Client(sys.argv[1], access_token="admin-static-token") as client:
        await (await client.subscribe("posts")).wait(30)
asyncio.run(main())
print("installed", dr.__version__, dr.__file__)
"""


def run(*command: object, **more: Any) -> str:
    """Runs a command that must succeed, and returns what it prints."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=900, **more
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@contextlib.contextmanager
def wheel_lock() -> Iterator[None]:
    """Allows one build at a time."""
    lock = ROOT / "target" / "python" / "wheel.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build_wheel(into: Path, package: Path = PACKAGE, **more: Any) -> Path:
    """Builds the wheel as `pip install ./bindings/python` does, with the tools at hand."""
    with wheel_lock():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
        run(*pip, "--no-build-isolation", "--no-deps", "-w", into, package, **more)
    (built,) = into.glob("*.whl")
    return built
