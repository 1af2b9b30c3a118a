"""Shows programs that subscribe to a collection of a real Directus server.

    make demo

Starts a server on a free port, lets the programs follow its posts while this
script changes them, kills the server in the middle and starts it again, and ends
everything. It goes on only when each program has shown what it should, and fails
when one has not.
"""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))

from install import install  # noqa: E402
from paths import build_dir, shared_library  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402

VERSION = "12.4.0"
PROGRAMS = {
    "C": [str(build_dir() / "examples" / "demo")],
    "Node": ["node", str(ROOT / "examples" / "node" / "demo.mjs")],
    "Python": [sys.executable, str(ROOT / "examples" / "python" / "demo.py")],
}
# The packages of this checkout, with the library built from it.
PACKAGES = {
    "DIRECTUS_REALTIME_LIBRARY": str(shared_library()),
    "PYTHONPATH": str(ROOT / "bindings" / "python" / "src"),
}
# A pause between two scenes, for the reader only.
PACE = float(os.environ.get("DEMO_PACE", "0.4"))
TIMEOUT = 60
COLOURS = {"C": "36", "Python": "33", "Node": "32", None: "1"}
COLOURFUL = sys.stdout.isatty() and "NO_COLOR" not in os.environ

printing = threading.Lock()


def show(text, who=None):
    """One line of the story, or of one of its programs."""
    line = f"{who:>7} │ {text}" if who else f"  ── {text}"
    if COLOURFUL:
        coloured = line[:9] if who else line
        line = f"\033[{COLOURS[who]}m{coloured}\033[0m{line[len(coloured) :]}"
    with printing:
        print(line if who else f"\n{line}", flush=True)


class Follower:
    """A program that prints the events of the posts."""

    def __init__(self, name, command, url):
        self.name = name
        self.lines = []
        self.seen = 0
        self.more = threading.Condition()
        self.process = subprocess.Popen(
            [*command, url],
            env={**os.environ, **PACKAGES, "DIRECTUS_TOKEN": ADMIN},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        told = set()
        for line in self.process.stdout:
            # There are many attempts to connect; the first line of each kind is enough.
            what = re.sub(r"[\d.]+ s$", "", line.rstrip())
            if what not in told:
                show(line.rstrip(), self.name)
            if what.startswith("○"):
                told.add(what)
            else:
                told.clear()
            with self.more:
                self.lines.append(line)
                self.more.notify_all()
        with self.more:
            self.lines.append(None)
            self.more.notify_all()

    def wait_for(self, *words):
        """Waits for a line, after those of the last call, that has all the words."""
        deadline = time.monotonic() + TIMEOUT
        with self.more:
            while True:
                for at, line in enumerate(self.lines[self.seen :], self.seen):
                    if line is None:
                        raise SystemExit(f"the {self.name} program ended too early")
                    if all(word in line for word in words):
                        self.seen = at + 1
                        return
                if not self.more.wait(deadline - time.monotonic()):
                    raise SystemExit(f"the {self.name} program has not shown {' '.join(words)!r}")

    def end(self):
        """Ends it as a user would, by closing its standard input."""
        self.process.stdin.close()
        status = self.process.wait(timeout=TIMEOUT)
        self.reader.join()
        if status != 0:
            raise SystemExit(f"the {self.name} program ended with status {status}")

    def kill(self):
        self.process.kill()
        self.process.wait()


def tell_story(server, followers):
    posts = server.rest

    def all_show(*words):
        for follower in followers:
            follower.wait_for(*words)
        time.sleep(PACE)

    all_show("Welcome")

    show("a post is written, edited and deleted")
    post = posts.create("posts", {"title": "Breaking news", "status": "draft"})
    all_show("+ create", "Breaking news")
    posts.update("posts", post["id"], {"status": "published"})
    all_show("~ update", "published")
    posts.delete("posts", post["id"])
    all_show("- delete", str(post["id"]))

    show("three posts at once")
    batch = [{"title": f"Part {n} of three", "status": "published"} for n in (1, 2, 3)]
    first, *_ = posts.create("posts", batch)
    all_show("+ create", "Part 3 of three")

    show("the server is killed")
    server.kill()
    all_show("○")

    show("it is started again, and a post changes at once")
    server.start()
    posts.update("posts", first["id"], {"title": "Part 1, corrected"})
    all_show("after the gap")
    all_show("Part 1, corrected")

    show("life goes on")
    posts.create("posts", {"title": "Back again", "status": "published"})
    all_show("+ create", "Back again")


def main():
    install(VERSION)
    followers = []
    with Server(VERSION) as server:
        try:
            show(f"Directus {VERSION} on SQLite at {server.url}, with two posts")
            welcome = [{"title": "Welcome to the feed", "status": "published"}]
            server.rest.create("posts", [*welcome, {"title": "Nothing yet", "status": "draft"}])
            for name, command in PROGRAMS.items():
                followers.append(Follower(name, command, server.url))
            tell_story(server, followers)
            show("the programs end")
            for follower in followers:
                follower.end()
        finally:
            for follower in followers:
                follower.kill()
    print(flush=True)


if __name__ == "__main__":
    main()
