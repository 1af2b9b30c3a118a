"""The programs of examples/other follow a collection of a real server."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "directus")]

import languages  # noqa: E402
from rest import ADMIN  # noqa: E402
from shared import shared_server  # noqa: E402
from terminal import Terminal  # noqa: E402

VERSION = "12.4.0"
EVENT = re.compile(r"^(init|create|update|delete|error)\s(.*)$", re.MULTILINE)
PAGE = 80
CLOSED_PORT = "http://127.0.0.1:1"


def server():
    return shared_server(VERSION)


class Follow:
    """A mixin for the test case of a language."""

    @classmethod
    def setUpClass(cls):
        if missing := cls.language.missing():
            reason = f"{cls.language.name}: this machine has no {missing}"
            print(f"skipped: {reason}", file=sys.stderr)
            raise unittest.SkipTest(reason)
        cls.command = cls.language.ready()

    def follow(self, *args):
        environment = {**languages.ENVIRONMENT, "DIRECTUS_TOKEN": ADMIN}
        return Terminal([*self.command, *args], environment)

    def assert_ends_by_ctrl_c(self, program):
        program.interrupt()
        self.assertEqual(program.status(), self.language.interrupted, program.text)

    def test_it_prints_what_happens_in_order(self):
        rest = server().rest
        rest.request("DELETE", "/items/posts", {"query": {"limit": -1}})
        rest.create("posts", {"title": "Before"})
        with self.follow(server().url, "posts") as program:
            program.wait_for("Before")
            key = rest.create("posts", {"title": 'Ünïcödé, "quotes" and \\'})["id"]
            rest.update("posts", key, {"title": "After"})
            program.wait_for("After")
            rest.delete("posts", key)
            program.wait_for("delete")
            self.assert_ends_by_ctrl_c(program)
        for state in ("connecting to", "connected"):
            self.assertIn(state, program.text)
        self.assertNotRegex(program.text, "(?i)warning|deprecated")
        events = [(kind, json.loads(data)) for kind, data in EVENT.findall(program.text)]
        kinds = [kind for kind, _ in events]
        self.assertEqual(kinds, ["init", "create", "update", "delete"], program.text)
        (before,), create, update, delete = (data for _, data in events)
        self.assertEqual(before["title"], "Before")
        self.assertEqual(create["title"], 'Ünïcödé, "quotes" and \\')
        self.assertEqual(update["title"], "After")
        self.assertEqual(delete, {"id": key})

    def test_it_prints_why_it_cannot_connect(self):
        with self.follow(CLOSED_PORT, "posts") as program:
            program.wait_for("127.0.0.1:1 refused the connection: is the server running?")
            self.assert_ends_by_ctrl_c(program)

    def test_it_prints_why_a_call_fails_and_ends(self):
        with self.follow("ftp://127.0.0.1", "posts") as program:
            self.assertNotEqual(program.status(), 0)
        self.assertIn("`url` has a scheme other than ws", program.text)
        self.assertNotIn("drt_", program.text)

    def test_it_ends_when_the_server_refuses_the_subscription(self):
        with self.follow(server().url, "no_such_collection") as program:
            self.assertEqual(program.status(), 1, program.text)
        kind, data = EVENT.findall(program.text)[-1]
        self.assertEqual((kind, json.loads(data)["code"]), ("error", "FORBIDDEN"))

    def test_its_source_fits_a_page(self):
        lines = self.language.file.read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), PAGE)
        self.assertEqual([line for line in lines if len(line) > 100 or line.endswith(" ")], [])


class Go(Follow, unittest.TestCase):
    language = languages.GO

    def test_its_source_is_formatted(self):
        command = ["gofmt", "-d", self.language.file]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "")


class Java(Follow, unittest.TestCase):
    language = languages.JAVA


class CSharp(Follow, unittest.TestCase):
    language = languages.CSHARP


class Ruby(Follow, unittest.TestCase):
    language = languages.RUBY


class LuaJIT(Follow, unittest.TestCase):
    language = languages.LUAJIT


class PHP(Follow, unittest.TestCase):
    language = languages.PHP


class Perl(Follow, unittest.TestCase):
    language = languages.PERL


class Sources(unittest.TestCase):
    def test_every_source_belongs_to_a_test_case(self):
        sources = {path.name for path in languages.SOURCES.iterdir()}
        cases = {case.language.source for case in Follow.__subclasses__()}
        self.assertEqual(sources, cases)


if __name__ == "__main__":
    unittest.main()
