"""A real Directus server to try programs with, until Ctrl-C.

    make play

Starts a server on a free port, with the collections of schema.json and two users, and the web
page of examples/node/web. Prints what to paste into other terminals. Nothing of it is left when
it ends.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "directus")]

from install import install  # noqa: E402
from paths import build_dir, shared_library  # noqa: E402
from rest import ADMIN  # noqa: E402
from seed import USERS, seed  # noqa: E402
from server import Server, exit_on_signals  # noqa: E402

VERSION = "12.4.0"
# The packages of this checkout, with the library built from it.
LIBRARY = f"DIRECTUS_REALTIME_LIBRARY={shared_library()}"
PYTHONPATH = f"PYTHONPATH={ROOT / 'bindings' / 'python' / 'src'}"
NEWS = '{"title":"Breaking news","status":"published"}'


def lines(url):
    """The commands to paste, by language."""
    token = f"DIRECTUS_TOKEN={USERS['ann']}"
    examples = build_dir() / "examples"
    node, python = HERE / "node", HERE / "python"
    commands = {
        "C": [token, examples / "feed", url],
        "C++": [token, examples / "cpp" / "feed", url],
        "Python": [token, LIBRARY, PYTHONPATH, "python3", python / "demo.py", url],
        "Node": [token, LIBRARY, "node", node / "feed.mjs", url],
        "Shell": [token, examples / "tail", url, "posts"],
    }
    return {name: shlex.join(map(str, words)) for name, words in commands.items()}


def change(url):
    """The command that creates a post."""
    headers = [
        "-H",
        f"Authorization: Bearer {USERS['bob']}",
        "-H",
        "Content-Type: application/json",
    ]
    return shlex.join(["curl", f"{url}/items/posts", *headers, "-d", NEWS])


class Page:
    """The live feed in a browser: the web server of examples/node/web."""

    def __init__(self, url):
        guard = [
            sys.executable,
            str(ROOT / "tests" / "directus" / "child_guard.py"),
            str(os.getpid()),
        ]
        script, where = HERE / "node" / "web" / "server.mjs", ["--host=127.0.0.1", "--port=0"]
        command = [shutil.which("node"), str(script), url, *where]
        self.process = subprocess.Popen(
            [*guard, *command],
            env={**os.environ, "DIRECTUS_TOKEN": USERS["ann"], **dict([LIBRARY.split("=", 1)])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for line in self.process.stdout:
            if found := re.search(r"The feed is at (\S+)", line):
                self.url = found[1]
                break
        else:
            self.process.wait()
            sys.exit("the web server of examples/node/web has not started")
        # Its further output is not shown, but must be read so that it does not block.
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()

    def open(self):
        """Opens the page on a desktop, but not in CI."""
        has_screen = "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
        opener = shutil.which("xdg-open")
        if opener and has_screen and "CI" not in os.environ:
            subprocess.Popen(
                [opener, self.url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def say(text=""):
    print(text, flush=True)


def show(server, page):
    say(f"Directus {VERSION} is at {server.url}, with posts, messages and notifications")
    say(f"  its app     {server.url}/admin (admin@example.com, password d1r3ctu5-dev)")
    say(f"  live feed   {page.url}")
    say(f"  tokens      {USERS['ann']}, {USERS['bob']}, {ADMIN}")
    say()
    say("Paste one of these into another terminal:")
    for name, line in lines(server.url).items():
        say(f"  {name:<11} {line}")
    say("and this into a third one:")
    say(f"  Change      {change(server.url)}")
    say()
    say(f"All programs: {HERE / 'README.md'}. Ctrl-C ends the server.")


def main():
    exit_on_signals()
    install(VERSION)
    with Server(VERSION) as server:
        seed(server.rest)
        with Page(server.url) as page:
            show(server, page)
            page.open()
            while server.process.poll() is None:
                # A signal ends the program, and so does the end of the server.
                time.sleep(0.2)
        sys.exit("the server has ended by itself")


if __name__ == "__main__":
    try:
        main()
    except SystemExit as ended:
        # Ctrl-C is the regular end.
        sys.exit(0 if ended.code in (128 + signal.SIGINT, 128 + signal.SIGTERM) else ended.code)
