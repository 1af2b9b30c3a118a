"""The Python examples against a real server."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from order import OutOfOrder  # noqa: E402
from stories import Stories  # noqa: E402

PYTHON = ROOT / "target" / "python" / "venv" / "bin" / "python"


class PythonExamples(Stories, OutOfOrder, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return [str(PYTHON), str(ROOT / "examples" / "python" / f"{name}.py")]

    def test_markup_in_a_title_is_shown_literally(self):
        self.rest.create("posts", {"title": "[/bold] [red]News", "status": "[x]"})
        with self.program("feed", self.url) as feed:
            feed.wait_for("[/bold] [red]News")
            feed.interrupt()
            self.assertEqual(feed.status(), 0)

    def test_the_table_shows_rows_and_those_of_a_relation(self):
        author = self.rest.create("authors", {"name": "Ann"})["id"]
        post = self.rest.create("posts", {"title": "By\x1b[2J Ann", "author": author})
        arguments = ("posts", "id,title,author.name", "authors")
        with self.program("table", self.url, *arguments) as table:
            table.wait_for("By [2J Ann")
            self.assertRegex(table.text, r"By \[2J Ann +Ann\n")
            self.rest.update("authors", author, {"name": "Bea"})
            table.wait_for("Bea")
            self.assertRegex(table.text, r"By \[2J Ann +Bea\n")
            self.rest.delete("posts", post["id"])
            table.forget()
            other = self.rest.create("posts", {"title": "The last one"})
            table.wait_for("The last one")
            self.rest.delete("posts", other["id"])
            table.interrupt()
            self.assertEqual(table.status(), 0)
        self.assertNotIn("\x1b[2J", table.text)

    def test_lines_typed_before_the_link_is_up_are_sent(self):
        with self.program("chat", self.url, "early", "Ann") as ann:
            ann.type("typed at once")
            ann.wait_for("Ann (you): typed at once")
            ann.hang_up()
            self.assertEqual(ann.status(), 0)
        self.assertNotIn("not sent", ann.text)

    def test_notifications_report_why_they_are_refused(self):
        for token, words in (("wrong", "AUTH_FAILED"), ("none-token", "FORBIDDEN")):
            with self.program("notifications", self.url, token=token) as board:
                board.wait_for(words)
                self.assertEqual(board.status(), 1)
            self.assertNotIn("Traceback", board.text)


if __name__ == "__main__":
    unittest.main()
