"""The recipes of the pages about frameworks, each in a folder of its own, for the test server."""

import contextlib
import json
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

sys.path += [str(ROOT / "tests" / "docs"), str(ROOT / "tests" / "examples")]

from blocks import PAGES, blocks_of  # noqa: E402
from house import real, server  # noqa: E402
from program import Program  # noqa: E402
from rest import ADMIN, DIRECT  # noqa: E402

VENV = ROOT / "target" / "frameworks" / "venv" / "bin"
TIMEOUT = 60

RECIPES = {
    block.attributes["recipe"]: block.text for page in PAGES for block in blocks_of(page, True)
}


def write(folder, *names, **changes):
    """Writes recipes as files. `changes` are what a test needs otherwise, by file."""
    for name in names:
        change = changes.get(Path(name).stem, str)
        (Path(folder) / name).write_text(change(real(RECIPES[name])), encoding="utf-8")


def rest():
    """The test server's REST API."""
    return server().rest


@contextlib.contextmanager
def folder():
    made = tempfile.mkdtemp(prefix="frameworks-")
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def need(case, program):
    """A program of a framework; skips the test by name where it could not be installed."""
    path = VENV / program
    if not path.exists():
        print(f"skipped: {case.id()}: {program} is missing", file=sys.stderr, flush=True)
        case.skipTest(f"{program} is missing")
    return path


def run(where, *command):
    """Runs a command in a folder."""
    return Program(["env", "-C", str(where), *map(str, command)], ADMIN)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path="/"):
    """Status and text of a page; None while nothing listens at the port."""
    try:
        with DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return None


def get_json(port, path="/"):
    answer = get(port, path)
    return json.loads(answer[1]) if answer and answer[0] == 200 else None


def until(look, program=None, timeout=TIMEOUT):
    """Waits until what `look` returns is true, and returns it."""
    end = time.monotonic() + timeout
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f"in vain; {program.text if program else ''}")
        time.sleep(0.05)
    return found
