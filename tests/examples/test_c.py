"""The C examples against a real server. Built by `make examples`."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from install import install  # noqa: E402
from program import Program  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402

VERSION = "12.4.0"
EXAMPLES = ROOT / "target" / "examples"


def program(name, *args, token=ADMIN):
    return Program([str(EXAMPLES / name), *args], token)


class CExamples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.url, cls.rest = cls.server.url, cls.server.rest

    def test_the_feed_shows_what_happens_to_the_posts(self):
        post = self.rest.create("posts", {"title": "An old post", "status": "draft"})
        with program("feed", self.url) as feed:
            feed.wait_for("An old post")
            self.rest.update("posts", post["id"], {"title": "A new title"})
            feed.wait_for("A new title")
            before = feed.text.count("A new title")
            other = self.rest.create("posts", {"title": "Another post"})
            feed.wait_for("Another post")
            feed.wait_for("A new title", before + 1)
            self.rest.delete("posts", post["id"])
            self.rest.update("posts", other["id"], {"title": "The last one"})
            feed.wait_for("The last one")
            self.assertNotIn("A new title", feed.text.rpartition("posts\n")[2])
            feed.interrupt()
            self.assertEqual(feed.status(), 0)

    def test_notifications_are_shown_to_whom_they_are_meant_for_and_vanish(self):
        me = self.rest.request("GET", "/users/me")["id"]
        with program("notifications", self.url) as board:
            # What is made before the subscription is active is no news.
            self.wait_until_followed(board)
            self.rest.create("notifications", {"message": "for somebody", "user_id": "x"})
            self.rest.create("notifications", {"message": "for me", "user_id": me})
            board.wait_for("* for me")
            board.wait_for("(nothing new)")
            self.assertNotIn("for somebody", board.text)
            board.interrupt()
            self.assertEqual(board.status(), 0)

    def wait_until_followed(self, board):
        """Makes notifications until one is shown, and waits until it is gone."""
        me = self.rest.request("GET", "/users/me")["id"]
        board.wait_for("(nothing new)")
        for number in range(60):
            self.rest.create("notifications", {"message": f"try {number}", "user_id": me})
            try:
                board.wait_for("* try", patience=1)
                break
            except AssertionError:
                continue
        shown = board.text.count("(nothing new)")
        board.wait_for("(nothing new)", shown + 1)
        board.forget()

    def test_two_people_chat_in_two_terminals(self):
        with (
            program("chat", self.url, "lobby", "Ann") as ann,
            program("chat", self.url, "lobby", "Bob") as bob,
            program("chat", self.url, "elsewhere", "Eve") as eve,
        ):
            for one in (ann, bob, eve):
                one.wait_for("● connected")
            ann.type('Hello, Bob. "Quotes" and ünïcödé \\ arrive?')
            bob.wait_for('Ann: Hello, Bob. "Quotes" and ünïcödé \\ arrive?')
            bob.type("They do.")
            ann.wait_for("Bob: They do.")
            eve.type("Is nobody here?")
            eve.wait_for("Eve (you): Is nobody here?")
            self.assertNotIn("They do", eve.text)
            with program("chat", self.url, "lobby", "Cid") as cid:
                cid.wait_for("Bob: They do.")
                self.assertLess(cid.text.index("Ann:"), cid.text.index("Bob:"))
                cid.type("The last word is sent before the end.")
                cid.hang_up()
                self.assertEqual(cid.status(), 0)
            ann.wait_for("Cid: The last word")
            for one in (ann, bob, eve):
                one.hang_up()
                self.assertEqual(one.status(), 0)
            self.assertEqual(ann.text.count("Bob: They do."), 1)


class Tail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.url, cls.rest = cls.server.url, cls.server.rest

    def lines(self, text):
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def test_prints_a_line_of_json_per_event(self):
        filter_ = json.dumps({"n": {"_eq": 4711}})
        options = ["--filter", filter_, "--fields", "id,title", "--count", "4", "--uid", "mine"]
        with program("tail", *options, self.url, "posts") as tail:
            tail.wait_for('"init"')
            self.rest.create("posts", {"title": "not this one", "n": 1})
            post = self.rest.create("posts", {"title": "line\nbreak", "n": 4711})
            self.rest.update("posts", post["id"], {"title": "new"})
            tail.wait_for('"update"')
            self.rest.delete("posts", post["id"])
            self.assertEqual(tail.status(), 0)
        init, create, update, delete = self.lines(tail.text)
        self.assertEqual(init, {"type": "init", "uid": "mine", "sequence": 1, "data": []})
        self.assertEqual(create["type"], "create")
        self.assertEqual(create["data"], {"id": post["id"], "title": "line\nbreak"})
        self.assertEqual((update["type"], update["data"]["title"]), ("update", "new"))
        self.assertEqual((delete["type"], delete["data"]), ("delete", {"id": post["id"]}))
        self.assertEqual(
            [line["sequence"] for line in (init, create, update, delete)], [1, 2, 3, 4]
        )

    def test_a_gap_is_followed_by_a_line_that_says_so(self):
        with program("tail", self.url, "authors") as tail:
            tail.wait_for('"init"')
            self.server.kill()
            tail.wait_for("next attempt in")
            self.server.start()
            tail.wait_for('"resync":true')
            tail.interrupt()
            self.assertEqual(tail.status(), 0)

    def test_says_what_is_wrong_and_tells_it_by_its_status(self):
        cases = [
            (["--count", "x", self.url, "posts"], 2, "--count wants a whole number, not 'x'"),
            ([self.url], 2, "a URL and a collection"),
            (["--filter", "{", self.url, "posts"], 2, "JSON"),
            (["ftp://x", "posts"], 2, "scheme"),
            ([self.url, "no_such_collection"], 1, "refused the subscription"),
            (["--attempts", "1", "http://127.0.0.1:1", "posts"], 3, "refused the connection"),
            (["--token", "wrong", self.url, "posts"], 4, "refused the access token"),
        ]
        for args, status, words in cases:
            with self.subTest(args=args), program("tail", *args) as tail:
                self.assertEqual(tail.status(), status, tail.text)
                self.assertIn(words, tail.text)

    def test_ends_quietly_when_nobody_reads_it_any_more(self):
        tail = str(EXAMPLES / "tail")
        pipe = f"DIRECTUS_TOKEN={ADMIN} {tail} --quiet {self.url} authors | head -n 1"
        shell = ["bash", "-c", f"set -o pipefail; {pipe}"]
        done = subprocess.run(shell, capture_output=True, check=True, timeout=60)
        self.assertEqual(self.lines(done.stdout.decode())[0]["type"], "init")
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    unittest.main()
