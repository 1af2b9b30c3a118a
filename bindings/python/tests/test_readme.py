"""The programs of the package's README print what the README says."""

from __future__ import annotations

import re
import signal
import sys
import threading
from typing import Any

import pytest
from conftest import until
from readme import README, program_at
from server import ADMIN
from test_process import started

TEXT = README.read_text(encoding="utf-8")


def output() -> str:
    """The output that the README shows for its first program."""
    found = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_the_programs_of_the_readme_print_what_it_shows(own_server: Any, kind: str) -> None:
    rest = own_server.rest
    rest.request("DELETE", "/items/posts", {"query": {"limit": -1}})
    rest.create("posts", {"id": 1, "title": "Welcome"})
    command = [sys.executable, "-u", "-c", program_at(kind, own_server.url, ADMIN)]
    printed: list[str] = []
    with started(command) as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                printed.append(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def has(word: str) -> None:
            until(lambda: any(line.startswith(word) for line in printed), f"{word}: {printed}")

        has("init")
        rest.create("posts", {"title": "Breaking news"})
        has("create")
        rest.update("posts", 1, {"title": "Welcome back"})
        has("update")
        rest.delete("posts", 1)
        has("delete")
        process.send_signal(signal.SIGINT)
        process.wait(30)
        reader.join(30)
    wanted = output().replace("localhost:8055", f"127.0.0.1:{own_server.port}")
    pattern = re.escape(wanted).replace(re.escape("{'id': 2,"), r"\{'id': \d+,")
    assert re.fullmatch(pattern + "(closed.*\n)?", "".join(printed)), printed


def test_every_snippet_of_the_readme_is_valid_python() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) > 5
    for block in blocks:
        compile(block, "README.md", "exec")


def test_every_link_of_the_readme_has_a_target() -> None:
    names = {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in HEADINGS}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in names
        elif not target.startswith("http"):
            assert (README.parent / target).exists(), target


HEADINGS = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
