"""The examples for other event loops, in Python, against a real server."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from install import install  # noqa: E402
from program import Program  # noqa: E402
from pythons import need  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402

VERSION = "12.4.0"
LOOPS = ROOT / "examples" / "python" / "loops"


class Loops(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.rest = cls.server.rest

    def program(self, name, module):
        file = LOOPS / f"{name}.py"
        python = need(self, file.relative_to(ROOT), module)
        command = [python, file, self.server.url]
        return Program(["env", "QT_QPA_PLATFORM=offscreen", *map(str, command)], ADMIN)

    def follows(self, name, module):
        """The example prints the snapshot, each change and what a gap has brought, and ends
        at Ctrl-C."""
        self.rest.request("DELETE", "/items/posts", {"query": {"limit": -1}})
        first = self.rest.create("posts", {"title": "An old post"})["id"]
        with self.program(name, module) as loop:
            loop.wait_for(f"init [{{'id': {first}, 'title': 'An old post'}}]")
            second = self.rest.create("posts", {"title": "A new post"})["id"]
            loop.wait_for(f"create {{'id': {second}, 'title': 'A new post'}}")
            self.rest.update("posts", first, {"title": "Another title"})
            loop.wait_for(f"update {{'id': {first}, 'title': 'Another title'}}")
            self.rest.delete("posts", first)
            loop.wait_for(f"delete {{'id': {first}}}")
            self.server.kill()
            self.server.start()
            loop.wait_for(f"init [{{'id': {second}, 'title': 'A new post'}}]")
            loop.interrupt()
            self.assertEqual(loop.status(), 0, loop.text)
        self.assertNotIn("Traceback", loop.text)
        self.assertNotIn("Error", loop.text)

    def test_trio_follows_the_posts(self):
        self.follows("with_trio", "trio")

    def test_qt_follows_the_posts(self):
        self.follows("with_qt", "PySide6.QtWidgets")

    def test_glib_follows_the_posts(self):
        self.follows("with_glib", "gi.repository.GLib")


if __name__ == "__main__":
    unittest.main()
