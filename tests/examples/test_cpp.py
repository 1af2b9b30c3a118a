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

    def test_the_chat_accepts_invalid_utf8_and_incomplete_messages(self):
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

    def test_a_notification_without_text_is_accepted(self):
        me = self.rest.request("GET", "/users/me")["id"]
        with self.program("notifications", self.url) as board:
            self.wait_until_subscribed(board)
            self.rest.create("notifications", {"message": None, "user_id": me})
            self.rest.create("notifications", {"message": "the next one", "user_id": me})
            board.wait_for("* the next one")

    def test_notifications_report_refused_credentials(self):
        with self.program("notifications", self.url, token="wrong") as board:
            board.wait_for("refused the access token")


if __name__ == "__main__":
    unittest.main()
