"""The processes of a measurement: the program that is built here, a server, and one side."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Seconds after which a measured process is stuck.
TIMEOUT = 120


@functools.cache
def program() -> str:
    """The path of `benches/library`, as cargo builds it now."""
    command = ["cargo", "bench", "--bench", "library", "--no-run", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = (json.loads(line) for line in built.stdout.splitlines())
    programs = [message["executable"] for message in messages if message.get("executable")]
    return str(programs[-1])


class Server:
    """A server process, and what it measures."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout
        self.url = process.stdout.readline().strip()

    def result(self) -> dict[str, float]:
        """What a server prints that ends by itself; nothing where it serves on."""
        assert self._process.stdout
        if not {"drops", "rows"} & set(self._process.args):
            return {}
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def server(arguments: list[str]) -> Iterator[Server]:
    """Runs a server meanwhile."""
    command = [program(), "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def measured(command: list[str], url: str) -> dict[str, float]:
    """Runs one side to its end: what it prints. `URL` and `PROGRAM` are replaced."""
    places = {"URL": url, "PROGRAM": program()}
    command = [places.get(word, word) for word in command]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return dict(json.loads(done.stdout.splitlines()[-1]))
