"""The Python examples show everything, in whatever order the ids come."""

import sqlite3
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
PYTHON = ROOT / "target" / "python" / "venv" / "bin" / "python"


class OutOfOrder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.url, cls.rest = cls.server.url, cls.server.rest

    def program(self, name, *args):
        script = ROOT / "examples" / "python" / f"{name}.py"
        return Program([str(PYTHON), str(script), self.url, *args], ADMIN)

    def write_meanwhile(self, collection, rows):
        """While the server is away, so that nobody is told: the snapshot shows them."""
        database = sqlite3.connect(self.server.folder / "data.db")
        for row in rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            statement = f"INSERT INTO {collection} ({names}) VALUES ({marks})"
            database.execute(statement, list(row.values()))
        database.commit()
        database.close()

    def test_messages_of_a_chat(self):
        def message(key, text):
            return {"id": key, "channel_id": "order", "user_name": "Bob", "text": text}

        self.rest.create("messages", message(500, "the first"))
        with self.program("chat", "order", "Ann") as ann:
            ann.wait_for("Bob: the first")
            for key in (900, 700, 800):
                self.rest.create("messages", message(key, f"number {key}"))
            for key in (900, 700, 800):
                ann.wait_for(f"Bob: number {key}")
            self.server.kill()
            ann.wait_for("○ ")
            self.write_meanwhile("messages", [message(600, "meanwhile")])
            self.server.start()
            ann.wait_for("Bob: meanwhile")
            ann.hang_up()
            self.assertEqual(ann.status(), 0)
        for text in ("the first", "number 900", "number 700", "number 800", "meanwhile"):
            self.assertEqual(ann.text.count(f"Bob: {text}"), 1, ann.text)

    def test_notifications(self):
        me = self.rest.request("GET", "/users/me")["id"]

        def notice(key, text):
            return {"id": key, "user_id": me, "message": text}

        self.rest.create("notifications", notice(500, "an old one"))
        with self.program("notifications") as board:
            for number in range(60):
                self.rest.create("notifications", notice(1000 + number, f"try {number}"))
                try:
                    board.wait_for("* try", patience=1)
                    break
                except AssertionError:
                    continue
            for key in (900, 700, 800):
                self.rest.create("notifications", notice(key, f"number {key}"))
            for key in (900, 700, 800):
                board.wait_for(f"* number {key}")
            self.server.kill()
            board.wait_for("Backoff: ")
            self.write_meanwhile("notifications", [notice(600, "meanwhile")])
            self.server.start()
            board.wait_for("* meanwhile")
            board.interrupt()
            self.assertEqual(board.status(), 0)
        self.assertNotIn("an old one", board.text)


if __name__ == "__main__":
    unittest.main()
