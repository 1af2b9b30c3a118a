"""Starts the web server of the examples for tests."""

import contextlib
import os
import re
import shutil
import sqlite3
import sys
from pathlib import Path

from paths import HERE
from program import Program
from rest import ADMIN

SCRIPT = Path(__file__).resolve().parent.parent.parent / "examples" / "node" / "web" / "server.mjs"


def command(*args):
    """Its command line, under a child guard: it never outlives the tests."""
    guard = [sys.executable, str(HERE / "child_guard.py"), str(os.getpid())]
    return [*guard, shutil.which("node"), str(SCRIPT), *map(str, args)]


def change_unseen(server, key, field, value):
    """Changes a post while Directus is down, in its database."""
    with contextlib.closing(sqlite3.connect(server.folder / "data.db")) as database:
        database.execute(f"UPDATE posts SET {field} = ? WHERE id = ?", (value, key))
        database.commit()


class Web(Program):
    """Streams the posts of the Directus server at `directus`; `url` is its page."""

    def __init__(self, directus, port=0, token=ADMIN):
        super().__init__(command(directus, "--port", port), token)
        try:
            self.wait_for("The feed is at ")
            self.wait_for("● connected")
        except BaseException:
            self.__exit__()
            raise
        self.url = re.search(r"The feed is at (\S+)", self.text)[1]
