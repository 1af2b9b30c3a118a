"""The C++ examples against a real server. Built by `make examples`."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from order import OutOfOrder  # noqa: E402
from paths import build_dir  # noqa: E402
from stories import Stories  # noqa: E402


class CppExamples(Stories, OutOfOrder, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return [str(build_dir() / "examples" / "cpp" / name)]

    def test_a_chat_takes_lines_that_are_not_utf8_and_messages_that_lack_something(self):
        self.rest.create("messages", {"channel_id": "odd", "text": None, "user_name": None})
        self.rest.create("messages", {"channel_id": "odd", "text": "whole", "user_name": "Ann"})
        with self.program("chat", self.url, "odd", "Bob") as bob:
            bob.wait_for("Ann: whole")
            bob.process.stdin.write(b"caf\xe9\n")
            bob.process.stdin.flush()
            bob.wait_for("Bob (you): caf\ufffd")
            bob.type("It goes on.")
            bob.wait_for("Bob (you): It goes on.")
            bob.hang_up()
            self.assertEqual(bob.status(), 0)

    def test_notifications_may_lack_their_text(self):
        me = self.rest.request("GET", "/users/me")["id"]
        with self.program("notifications", self.url) as board:
            self.wait_until_followed(board)
            self.rest.create("notifications", {"message": None, "user_id": me})
            self.rest.create("notifications", {"message": "the next one", "user_id": me})
            board.wait_for("* the next one")

    def test_notifications_say_why_there_are_none(self):
        with self.program("notifications", self.url, token="wrong") as board:
            board.wait_for("refused the access token")


if __name__ == "__main__":
    unittest.main()
