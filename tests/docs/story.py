"""Steps that happen while a program of the pages runs. Each is a function of the program."""

import sqlite3
import time

from house import TOKEN_SECONDS, server
from program import TIMEOUT

MODE = "WEBSOCKETS_REST_AUTH"


def prepare(mode):
    """The start of every story: one published post, and a server with this
    WEBSOCKETS_REST_AUTH."""
    if server().extra.get(MODE, "handshake") != mode:
        server().stop()
        server().extra[MODE] = mode
        server().start()
    rest = server().rest
    rest.request("DELETE", "/items/posts", {"query": {"limit": -1}})
    rest.create("posts", {"id": 1, "title": "Welcome", "status": "published"})


def until(program, *words):
    """Waits until it has printed one of the words."""
    deadline = time.monotonic() + TIMEOUT
    while not any(word in program.text for word in words):
        if program.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"none of {words} in:\n{program.text}")
        time.sleep(0.02)


def until_init(program):
    """Waits for the first snapshot, or for an init without one."""
    until(program, "Welcome", "init")


def create(program):
    until_init(program)
    server().rest.create("posts", {"title": "Breaking news", "status": "published"})
    program.wait_for("Breaking news")


def update(program):
    until_init(program)
    server().rest.update("posts", 1, {"title": "Welcome back"})
    program.wait_for("Welcome back")


def delete(program):
    until_init(program)
    server().rest.delete("posts", 1)
    program.wait_for("delete")


def restart(program):
    """Kills the server, writes a post to its database, and starts it again."""
    program.wait_for("Welcome")
    server().kill()
    program.wait_for("next attempt")
    database = sqlite3.connect(server().folder / "data.db")
    database.execute("INSERT INTO posts (title, status) VALUES ('Made meanwhile', 'published')")
    database.commit()
    database.close()
    server().start()
    program.wait_for("Made meanwhile")


def reconnect(program):
    program.wait_for("connected")
    server().kill()
    program.wait_for("next attempt")
    server().start()
    program.wait_for("connected", 2)


def refused(program):
    program.wait_for("refused")


def released(program):
    program.wait_for("released")


def tokens(program):
    """Gives a fresh token twice: the first one expires."""
    for times in (1, 2):
        program.wait_for("a token is wanted", times, timeout=TOKEN_SECONDS + 30)
        login = server().rest.login("reader@example.com", "reader-password")
        program.type(login["access_token"])


def hang_up(program):
    """Closes its standard input, as Ctrl-D does."""
    program.hang_up()


def interrupt(program):
    """Sends SIGINT, as Ctrl-C does."""
    program.interrupt()
