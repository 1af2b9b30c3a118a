"""The command `watch`, as a shell and as a terminal use it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from typing import Any

import pytest
from conftest import TIMEOUT
from directus_realtime._table import cell, columns_of, fit, lines, width_of
from test_live import title
from test_process import SOURCES, started

__all__ = ["title"]

WATCH = [sys.executable, "-m", "directus_realtime", "watch"]


def arguments_for(server: Any, title: str, *more: str) -> list[str]:
    title_filter = f'{{"title":{{"_starts_with":"{title}"}}}}'
    fields = ["--fields", "id,status", "--sort=-id", "--filter", title_filter]
    return [*WATCH, server.url, "posts", *fields, *more]


def test_without_a_terminal_each_table_is_printed(server: Any, title: str) -> None:
    server.rest.create("posts", {"title": title, "status": "first"})
    with started(arguments_for(server, title), DIRECTUS_TOKEN=server.rest.token) as process:
        assert process.stdout is not None

        def next_table() -> list[str]:
            assert process.stdout is not None
            text: list[str] = []
            for line in process.stdout:
                if line == "\n":
                    return text
                text.append(line.rstrip())
            raise AssertionError(text)

        table = next_table()
        assert table[0] == "● posts: 1 rows (current)"
        assert table[1].split() == ["id", "status"]
        assert [line.split()[1] for line in table[2:]] == ["first"]
        server.rest.create("posts", {"title": title, "status": "second"})
        assert [line.split()[1] for line in next_table()[2:]] == ["second", "first"]
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")
    assert "\x1b" not in output


class Terminal:
    """Runs a command in a terminal, and knows what it has written."""

    def __init__(self, command: list[str], token: str, rows: int, columns: int) -> None:
        self.main, self.side = pty.openpty()
        self.resize(rows, columns)
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "DIRECTUS_TOKEN": token}
        # They would count more than the terminal.
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=self.side,
            stdout=self.side,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def picture(self) -> list[str]:
        """The lines of the newest whole picture."""
        pictures = self.text.split("\x1b[H")[1:]
        whole = [each for each in pictures if "\x1b[J" in each]
        text = whole[-1].partition("\x1b[J")[0] if whole else ""
        return re.sub(r"\x1b\[K|\r", "", text).split("\n")

    def until(self, condition: Callable[[list[str]], Any]) -> list[str]:
        end = time.monotonic() + TIMEOUT
        while not condition(self.picture()):
            assert time.monotonic() < end, self.text[-2000:]
            if select.select([self.main], [], [], 0.1)[0]:
                self.text += os.read(self.main, 65536).decode()
        return self.picture()

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        while select.select([self.main], [], [], 0.1)[0]:
            self.text += os.read(self.main, 65536).decode()
        os.close(self.side)
        os.close(self.main)
        return self.process.returncode, errors


def test_in_a_terminal_the_table_is_redrawn(server: Any, title: str) -> None:
    ids = [
        server.rest.create("posts", {"title": title, "status": f"row {n} {'x' * 60}"})["id"]
        for n in range(5)
    ]
    command = arguments_for(server, title)
    terminal = Terminal(command, server.rest.token, rows=6, columns=40)
    try:
        picture = terminal.until(lambda lines: "5 rows" in lines[0])
        assert len(picture) == 6
        assert "the first 4 shown" in picture[0]
        assert max(map(len, picture)) <= 40
        assert [line.split()[2] for line in picture[2:]] == ["4", "3", "2", "1"]
        server.rest.update("posts", ids[4], {"status": "\x1b[31mred\x07"})
        picture = terminal.until(lambda lines: "red" in "".join(lines))
        assert "\x1b[31m" not in terminal.text and "\x07" not in terminal.text
        terminal.resize(20, 40)
        assert len(terminal.until(lambda lines: len(lines) == 7)) == 7
    finally:
        result = terminal.end()
    assert result == (130, "")
    assert terminal.text.startswith("\x1b[?1049h\x1b[?25l")
    assert terminal.text.endswith("\x1b[?25h\x1b[?1049l")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere", "posts"], 2, "url"),
        (["{url}", "no_such_collection", "--token", "admin-static-token"], 1, "FORBIDDEN"),
        (["{url}", "posts", "--token", "wrong"], 1, "credentials"),
        (["{url}", "posts"], 1, "DIRECTUS_TOKEN"),
        (["{url}", "posts", "--fields", "title"], 2, "primary key"),
        (["{url}", "posts", "--limit", "many"], 2, "limit"),
        (["{url}"], 2, "COLLECTION"),
    ],
)
def test_watch_prints_an_error_and_exits_with_its_status(
    server: Any, arguments: list[str], status: int, words: str
) -> None:
    given = [argument.replace("{url}", server.url) for argument in arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    environment.pop("DIRECTUS_TOKEN", None)
    result = subprocess.run(
        [*WATCH, *given], env=environment, text=True, timeout=60, capture_output=True
    )
    assert result.returncode == status, result
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_watch_ends_quietly_when_its_pipe_is_closed(server: Any, title: str) -> None:
    command = " ".join(f"'{part}'" for part in arguments_for(server, title))
    shell = ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"]
    with started(shell, DIRECTUS_TOKEN=server.rest.token) as process:
        end = time.monotonic() + TIMEOUT
        while process.poll() is None:
            assert time.monotonic() < end
            server.rest.create("posts", {"title": title})
            time.sleep(0.2)
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert output.startswith("● posts:")


def test_columns_are_those_of_the_rows_with_the_key_first() -> None:
    rows = [{"title": "a", "id": 1}, {"id": 2, "more": None}]
    assert columns_of(rows, "id") == ["id", "title", "more"]
    assert columns_of([], "code") == ["code"]


@pytest.mark.parametrize("width", [1, 4, 9, 10, 17, 30, 80])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    rows = [
        {"id": 1, "title": "word " * 9, "place": "東京都" * 4, "n": None},
        {"id": 22, "title": "é" * 5, "place": {"a": [1]}, "n": 1.5},
    ]
    shown = lines(columns_of(rows, "id"), rows, width)
    assert len(shown) == 3
    assert max(map(width_of, shown)) <= width


def test_a_cell_is_what_a_terminal_shows_as_one_line() -> None:
    assert cell(None) == ""
    assert cell({"a": ["ü", True]}) == '{"a": ["ü", true]}'
    assert cell("a\nb\tc") == "a b c"
    assert cell("\x1b[2J\x9b1m\u202e") == "\N{REPLACEMENT CHARACTER}[2J" + (
        "\N{REPLACEMENT CHARACTER}1m\N{REPLACEMENT CHARACTER}"
    )
    assert fit("東京都", 5) == "東京…"
    assert fit("東京都", 4) == "東… "
    assert fit("ab", 4) == "ab  "
