"""The Node examples against a real server, with the package as it stands in the checkout."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from rest import ADMIN  # noqa: E402
from stories import Stories  # noqa: E402


class NodeExamples(Stories, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return ["node", str(ROOT / "examples" / "node" / f"{name}.mjs")]

    def programs(self, url, token):
        """Every one of them, with what it takes."""
        for name, *args in (("feed",), ("notifications",), ("chat", "lobby", "Ann"), ("demo",)):
            with self.subTest(name), self.program(name, url, *args, token=token) as program:
                yield program

    def test_refused_credentials_are_the_end_and_said_in_a_sentence(self):
        for token, words in (("wrong", "! the server refused"), ("", "! there are no credentials")):
            for program in self.programs(self.url, token):
                program.wait_for(words)
                self.assertEqual(program.status(), 1)
                self.assertNotIn("    at ", program.text)

    def test_what_is_no_url_is_said_in_a_sentence(self):
        for program in self.programs("localhost:8055", ADMIN):
            self.assertEqual(program.status(), 2)
            self.assertRegex(program.text, "^! .*url")
            self.assertNotIn("    at ", program.text)

    def test_a_message_is_shown_though_its_id_is_lower_than_the_last_one(self):
        with self.program("chat", self.url, "order", "Ann") as ann:
            ann.wait_for("● connected")
            message = {"channel_id": "order", "user_name": "Bob"}
            # So it may come about where several write at once.
            self.rest.create("messages", {**message, "id": 5000, "text": "written second"})
            ann.wait_for("Bob: written second")
            self.rest.create("messages", {**message, "id": 4000, "text": "written first"})
            ann.wait_for("Bob: written first")
            ann.hang_up()
            self.assertEqual(ann.status(), 0)

    def test_a_notification_is_shown_though_its_id_is_lower_than_the_last_one(self):
        me = self.rest.request("GET", "/users/me")["id"]
        with self.program("notifications", self.url) as board:
            self.wait_until_followed(board)
            notice = {"user_id": me}
            self.rest.create("notifications", {**notice, "id": 5000, "message": "made second"})
            board.wait_for("* made second")
            self.rest.create("notifications", {**notice, "id": 4000, "message": "made first"})
            board.wait_for("* made first")
            board.interrupt()
            self.assertEqual(board.status(), 0)


if __name__ == "__main__":
    unittest.main()
