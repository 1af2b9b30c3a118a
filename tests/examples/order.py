"""Tests of items whose ids do not arrive in order, one by one and after a gap."""

import sqlite3

MANY = 150


class OutOfOrder:
    """A mixin for the test case of a language, beside Stories."""

    def write_in_a_gap(self, program, collection, rows):
        """Kills the server, writes to its database, and starts it again."""
        program.forget()
        self.server.kill()
        database = sqlite3.connect(self.server.folder / "data.db")
        with database:
            for row in rows:
                names = ", ".join(row)
                places = ", ".join("?" * len(row))
                database.execute(
                    f"INSERT INTO {collection} ({names}) VALUES ({places})", [*row.values()]
                )
        database.close()
        self.server.start()

    def test_the_chat_shows_messages_in_any_order_of_ids(self):
        message = {"channel_id": "order", "user_name": "Bob"}
        with self.program("chat", self.url, "order", "Ann") as ann:
            ann.wait_for("● connected")
            self.rest.create("messages", {**message, "id": 50000, "text": "written second"})
            ann.wait_for("Bob: written second")
            # This happens when several users write at once.
            self.rest.create("messages", {**message, "id": 40000, "text": "written first"})
            ann.wait_for("Bob: written first")
            lower = [{**message, "id": 41000 + n, "text": f"lower {n}."} for n in range(MANY)]
            higher = {**message, "id": 60000, "text": "higher"}
            self.write_in_a_gap(ann, "messages", [higher, *lower])
            ann.wait_for("Bob: higher")
            self.rest.create("messages", {**message, "id": 30000, "text": "the lowest"})
            ann.wait_for("Bob: the lowest")
            for each in (*lower, higher):
                self.assertEqual(ann.text.count(f"Bob: {each['text']}"), 1, each)
            self.assertNotIn("written", ann.text, "messages before the gap are not repeated")
            ann.hang_up()
            self.assertEqual(ann.status(), 0)

    def test_notifications_are_shown_in_any_order_of_ids(self):
        notice = {"user_id": self.rest.request("GET", "/users/me")["id"]}
        self.rest.create("notifications", {**notice, "id": 45000, "message": "no news"})
        with self.program("notifications", self.url) as board:
            self.wait_until_subscribed(board)
            self.rest.create("notifications", {**notice, "id": 50000, "message": "made second"})
            board.wait_for("* made second")
            self.rest.create("notifications", {**notice, "id": 40000, "message": "made first"})
            board.wait_for("* made first")
            lower = [{**notice, "id": 41000 + n, "message": f"lower {n}."} for n in range(20)]
            higher = {**notice, "id": 60000, "message": "higher"}
            self.write_in_a_gap(board, "notifications", [higher, *lower])
            board.wait_for("* higher")
            for each in (*lower, higher):
                board.wait_for(f"* {each['message']}", timeout=60)
            self.rest.create("notifications", {**notice, "id": 30000, "message": "the lowest"})
            board.wait_for("* the lowest")
            self.assertNotIn("no news", board.text)
            board.interrupt()
            self.assertEqual(board.status(), 0)
