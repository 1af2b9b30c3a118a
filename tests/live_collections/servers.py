"""Servers on SQLite for the tests of this folder, and what is done to them beside REST."""

import functools
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "directus"))

import cluster  # noqa: E402, F401
from server import Server  # noqa: E402, F401
from shared import shared_server  # noqa: E402

OLD, NEW = "11.17.4", "12.4.0"
NEVER = 2**32 - 1


@functools.cache
def server(version=NEW, **env):
    """A server that the tests of a process share. Each test has rows of its own title."""
    return shared_server(version, **env)


def sql(on, statement, *values):
    """SQL by hand, of which the server knows nothing."""
    with closing(sqlite3.connect(on.folder / "data.db", timeout=30)) as link, link:
        link.execute(statement, values)


def titled(title, **more):
    """The query for the rows of one test."""
    fields = ["id", "title", "n", "status"]
    return {"filter": {"title": {"_starts_with": title}}, "fields": fields, **more}


def make(rest, title, count, **more):
    """Creates posts: their keys."""
    made = rest.create("posts", [{"title": title, "n": n, **more} for n in range(count)])
    return [row["id"] for row in made]
