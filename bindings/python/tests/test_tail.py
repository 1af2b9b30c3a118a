"""The command `tail`, as a shell uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from conftest import until
from test_process import SOURCES, started

TAIL = [sys.executable, "-m", "directus_realtime", "tail"]


def tail(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command until it exits."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    environment.pop("DIRECTUS_TOKEN", None)
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run([*TAIL, *arguments], env=environment, text=True, timeout=60, **how)


def test_tail_prints_one_json_line_for_each_event(server: Any) -> None:
    command = [*TAIL, server.url, "authors", "codes"]
    command += ["--query", '{"filter":{"_and":[]},"limit":0}']
    with started(command, DIRECTUS_TOKEN=server.rest.token) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert {line["collection"] for line in first} == {"authors", "codes"}
        assert [(line["type"], line["data"]) for line in first] == [("init", [])] * 2
        made = server.rest.create("authors", {"name": "tail ü"})
        line = json.loads(process.stdout.readline())
        assert (line["type"], line["collection"]) == ("create", "authors")
        assert (line["data"]["id"], line["data"]["name"]) == (made["id"], "tail ü")
        server.rest.create("codes", {"code": "tail"})
        assert json.loads(process.stdout.readline())["collection"] == "codes"
        server.rest.delete("codes", "tail")
        assert json.loads(process.stdout.readline())["data"] == {"id": "tail"}
        server.rest.delete("authors", made["id"])
        assert json.loads(process.stdout.readline())["data"] == {"id": made["id"]}
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "connected:" in errors


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere", "posts"], 2, "url"),
        (["{url}", "no_such_collection", "--token", "admin-static-token"], 1, ""),
        (["{url}", "posts", "--token", "wrong"], 1, "failed:"),
        (["{url}", "posts"], 1, "DIRECTUS_TOKEN"),
        (["{url}", "posts", "--filter", "{"], 2, "not JSON"),
        (["{url}", "posts", "--query", "[1]"], 2, "not a JSON object"),
        (["{url}", "posts", "--query", "7"], 2, "not a JSON object"),
        (["{url}"], 2, "COLLECTION"),
    ],
)
def test_tail_prints_an_error_and_exits_with_its_status(
    server: Any, arguments: list[str], status: int, words: str
) -> None:
    given = [argument.replace("{url}", server.url) for argument in arguments]
    result = tail(*given)
    assert result.returncode == status, result
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_tail_continues_when_one_of_its_collections_is_refused(server: Any) -> None:
    command = [*TAIL, server.url, "no_such_collection", "authors", "--quiet"]
    with started(command, DIRECTUS_TOKEN=server.rest.token) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert {line["type"] for line in lines} == {"error", "init"}
        assert process.poll() is None


def test_tail_prints_numbers_as_the_server_wrote_them() -> None:
    program = """
from types import SimpleNamespace as Some
from directus_realtime.__main__ import _Tail
from directus_realtime._events import Event, Origin
text = b'{"price":12345678901234567890.120,"e":1e400}'
event = Event(Origin("u", "p"), (7, 1, 0, len(text), len(text), 0, 1, 0, 0, 1), text)
_Tail(Some(no_init=False, collections=["p"])).show(event)
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"data":{"price":12345678901234567890.120,"e":1e400}' in result.stdout


def test_tail_ends_quietly_when_its_pipe_is_closed(server: Any) -> None:
    command = f"{sys.executable} -m directus_realtime tail --quiet {server.url} codes | head -1"
    shell = ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"]

    def over() -> bool:
        made = server.rest.create("codes", {"code": f"pipe-{time.monotonic_ns()}"})
        server.rest.delete("codes", made["code"])
        return process.poll() is not None

    with started(shell, DIRECTUS_TOKEN=server.rest.token) as process:
        until(over)
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output)["type"] == "init"


def test_tail_ends_when_the_disk_is_full(server: Any) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = tail(server.url, "posts", "--token", server.rest.token, "--quiet", stdout=full)
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
