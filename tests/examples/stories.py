"""Tests of the feed, the notifications and the chat, which the examples of every language
must pass."""

from install import install
from program import Program
from rest import ADMIN
from server import Server

VERSION = "12.4.0"


class Stories:
    """A mixin for the test case of a language, whose `command(name)` runs an example."""

    #: The heading above the posts, each time that the feed prints them.
    FEED_TITLE = "posts\n"

    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.url, cls.rest = cls.server.url, cls.server.rest

    def program(self, name, *args, token=ADMIN):
        return Program([*self.command(name), *args], token)

    def test_the_feed_shows_creates_updates_and_deletes(self):
        post = self.rest.create("posts", {"title": "An old post", "status": "draft"})
        with self.program("feed", self.url) as feed:
            feed.wait_for("An old post")
            self.rest.update("posts", post["id"], {"title": "A new title"})
            feed.wait_for("A new title")
            before = feed.text.count("A new title")
            other = self.rest.create("posts", {"title": "Another post"})
            feed.wait_for("Another post")
            feed.wait_for("A new title", before + 1)
            self.rest.delete("posts", post["id"])
            self.rest.update("posts", other["id"], {"title": "The last one"})
            feed.wait_for("The last one")
            # A delete that comes right before another event may be shown after it.
            feed.wait_until(
                lambda text: "A new title" not in text.rpartition(self.FEED_TITLE)[2],
                "the deleted post is still shown",
            )
            feed.interrupt()
            self.assertEqual(feed.status(), 0)

    def test_notifications_are_shown_to_their_user_and_disappear(self):
        me = self.rest.request("GET", "/users/me")["id"]
        with self.program("notifications", self.url) as board:
            # A notification made before the subscription is active is not shown.
            self.wait_until_subscribed(board)
            self.rest.create("notifications", {"message": "for another user", "user_id": "x"})
            self.rest.create("notifications", {"message": "for me", "user_id": me})
            board.wait_for("* for me")
            board.wait_for("(nothing new)")
            self.assertNotIn("for another user", board.text)
            board.interrupt()
            self.assertEqual(board.status(), 0)

    def wait_until_subscribed(self, board):
        """Creates notifications until one is shown, and waits until it has disappeared."""
        me = self.rest.request("GET", "/users/me")["id"]
        board.wait_for("(nothing new)")
        for number in range(60):
            self.rest.create("notifications", {"message": f"try {number}", "user_id": me})
            try:
                board.wait_for("* try", timeout=1)
                break
            except AssertionError:
                continue
        shown = board.text.count("(nothing new)")
        board.wait_for("(nothing new)", shown + 1)
        board.forget()

    def test_two_users_chat_in_two_terminals(self):
        with (
            self.program("chat", self.url, "lobby", "Ann") as ann,
            self.program("chat", self.url, "lobby", "Bob") as bob,
            self.program("chat", self.url, "elsewhere", "Eve") as eve,
        ):
            for one in (ann, bob, eve):
                one.wait_for("● connected")
            ann.type('Hello, Bob. "Quotes" and ünïcödé \\ arrive?')
            bob.wait_for('Ann: Hello, Bob. "Quotes" and ünïcödé \\ arrive?')
            bob.type("They do.")
            ann.wait_for("Bob: They do.")
            eve.type("Is anybody here?")
            eve.wait_for("Eve (you): Is anybody here?")
            self.assertNotIn("They do", eve.text)
            with self.program("chat", self.url, "lobby", "Cid") as cid:
                cid.wait_for("Bob: They do.")
                self.assertLess(cid.text.index("Ann:"), cid.text.index("Bob:"))
                cid.type("The last line is sent before the end.")
                cid.hang_up()
                self.assertEqual(cid.status(), 0)
            ann.wait_for("Cid: The last line")
            for one in (ann, bob, eve):
                one.hang_up()
                self.assertEqual(one.status(), 0)
            self.assertEqual(ann.text.count("Bob: They do."), 1)
