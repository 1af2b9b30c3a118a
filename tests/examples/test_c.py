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
from order import OutOfOrder  # noqa: E402
from paths import build_dir  # noqa: E402
from program import Program  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402
from stories import Stories  # noqa: E402

VERSION = "12.4.0"
EXAMPLES = build_dir() / "examples"


def program(name, *args, token=ADMIN):
    return Program([str(EXAMPLES / name), *args], token)


class CExamples(Stories, OutOfOrder, unittest.TestCase):
    def command(self, name):
        return [str(EXAMPLES / name)]

    def test_the_terminal_gets_no_control_characters_of_items(self):
        with self.program("feed", self.url) as feed:
            feed.wait_for("posts")
            self.rest.create("posts", {"title": "By\x1b[2J Ann, \x9b2J and Bj\u00f6rn"})
            feed.wait_for("By [2J Ann,   2J and Björn")
            self.assertNotIn("\x1b", feed.text)
            feed.interrupt()
            self.assertEqual(feed.status(), 0)


class Tail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.url, cls.rest = cls.server.url, cls.server.rest

    def lines(self, text):
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def test_tail_prints_a_line_of_json_per_event(self):
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

    def test_tail_prints_a_resync_after_a_gap(self):
        with program("tail", self.url, "authors") as tail:
            tail.wait_for('"init"')
            self.server.kill()
            tail.wait_for("next attempt in")
            self.server.start()
            tail.wait_for('"resync":true')
            tail.interrupt()
            self.assertEqual(tail.status(), 0)

    def test_tail_reports_errors_by_message_and_exit_status(self):
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

    def test_the_live_table_shows_the_rows_and_what_has_changed(self):
        with program("live_table", self.url) as table:
            table.wait_for("current, ")
            old = self.rest.create("posts", {"title": "An old post"})["id"]
            table.wait_for("An old post")
            new = self.rest.create("posts", {"title": "A new post"})["id"]
            # The newest row is the first.
            table.wait_for(f'  0  {{"id":{new},')
            table.wait_for(f'  1  {{"id":{old},')
            table.forget()
            for post in (old, new):
                self.rest.delete("posts", post)
                table.wait_for("1 changes")
            self.server.kill()
            table.wait_for("stale, ")
            self.server.start()
            table.forget()
            table.wait_for("current, ")

    def test_tail_ends_quietly_when_its_reader_has_gone(self):
        tail = str(EXAMPLES / "tail")
        pipe = f"DIRECTUS_TOKEN={ADMIN} {tail} --quiet {self.url} authors | head -n 1"
        shell = ["bash", "-c", f"set -o pipefail; {pipe}"]
        done = subprocess.run(shell, capture_output=True, check=True, timeout=60)
        self.assertEqual(self.lines(done.stdout.decode())[0]["type"], "init")
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    unittest.main()
