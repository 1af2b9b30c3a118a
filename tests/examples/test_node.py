"""The Node examples against a real server, with the package as it stands in the checkout."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from order import OutOfOrder  # noqa: E402
from rest import ADMIN  # noqa: E402
from stories import Stories  # noqa: E402


class NodeExamples(Stories, OutOfOrder, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return ["node", str(ROOT / "examples" / "node" / f"{name}.mjs")]

    def programs(self, url, token):
        """Runs every example with its arguments."""
        for name, *args in (("feed",), ("notifications",), ("chat", "lobby", "Ann"), ("demo",)):
            with self.subTest(name), self.program(name, url, *args, token=token) as program:
                yield program

    def test_refused_credentials_end_each_example_with_a_message(self):
        for token, words in (("wrong", "! the server refused"), ("", "! there are no credentials")):
            for program in self.programs(self.url, token):
                program.wait_for(words)
                self.assertEqual(program.status(), 1)
                self.assertNotIn("    at ", program.text)

    def test_an_invalid_url_ends_each_example_with_a_message(self):
        for program in self.programs("localhost:8055", ADMIN):
            self.assertEqual(program.status(), 2)
            self.assertRegex(program.text, "^! .*url")
            self.assertNotIn("    at ", program.text)


if __name__ == "__main__":
    unittest.main()
