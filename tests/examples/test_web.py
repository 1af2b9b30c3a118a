"""The live feed in browsers: its stream of events, and its page in headless Chromium."""

import contextlib
import http.client
import json
import os
import signal
import socket
import struct
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from browser import Browser, find_chromium  # noqa: E402
from folders import Folder  # noqa: E402
from install import install  # noqa: E402
from program import Program  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402
from stream import Stream  # noqa: E402
from web import Web, change_unseen, command  # noqa: E402

VERSION = "12.4.0"
# Must be shown as text, not interpreted.
MARKUP = """<img src=x onerror="document.title='taken over'"><script>alert(1)</script> & "more" """


def change(kind, post, gap=False, **indices):
    """The event with one change of the posts."""
    step = {"kind": kind, "key": post["id"], "row": post, **indices}
    return "changes", {"gap": gap, "changes": [step]}


def changed(stream):
    """The post of the next change."""
    (step,) = stream.next_named("changes")["changes"]
    return step["row"]


class WebCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install(VERSION)
        cls.server = cls.enterClassContext(Server(VERSION))
        cls.rest = cls.server.rest

    def setUp(self):
        # A failed test may have left it stopped.
        self.server.start()
        for post in self.rest.read("posts"):
            self.rest.delete("posts", post["id"])

    def post(self, title, **more):
        """Creates a post, and returns it as the feed shows it."""
        made = self.rest.create("posts", {"title": title, "status": "published", **more})
        return {name: made[name] for name in ("id", "title", "content", "status")}


class Streams(WebCase):
    def test_a_late_browser_gets_the_current_posts_and_then_the_same_events(self):
        old = self.post("An old post")
        with Web(self.server.url) as web, Stream(web.url) as early:
            self.assertEqual(early.next(), ("state", {"state": "connected"}))
            self.assertEqual(early.next(), ("posts", [old]))
            # One at a time, so that their order is known.
            new = self.post(MARKUP, content="two\nlines\r\nand\u2028a third")
            self.assertEqual(early.next(), change("added", new, newIndex=0))
            self.rest.update("posts", old["id"], {"title": "A new title"})
            old = {**old, "title": "A new title"}
            self.assertEqual(early.next(), change("modified", old, oldIndex=1, newIndex=1))
            with Stream(web.url) as late:
                self.assertEqual(late.next(), ("state", {"state": "connected"}))
                self.assertEqual(late.next(), ("posts", [new, old]))
                self.rest.delete("posts", old["id"])
                for stream in (early, late):
                    self.assertEqual(stream.next(), change("removed", old, oldIndex=1))
            last = self.post("The last one")
            self.assertEqual(early.next(), change("added", last, newIndex=0))
            with Stream(web.url) as latest:
                self.assertEqual(latest.next_named("posts"), [last, new])

    def test_a_gap_is_reported_and_ends_in_a_resync(self):
        post = self.post("Before")
        with Web(self.server.url) as web, Stream(web.url) as early:
            early.next_named("posts")
            self.server.kill()
            self.assertNotEqual(early.next_named("state"), {"state": "connected"})
            with Stream(web.url) as late:
                self.assertNotEqual(late.next(), ("state", {"state": "connected"}))
                self.assertEqual(late.next(), ("posts", [post]))
                change_unseen(self.server, post["id"], "title", "After")
                self.server.start()
                after = {**post, "title": "After"}
                now = change("modified", after, gap=True, oldIndex=0, newIndex=0)
                for stream in (early, late):
                    while stream.next_named("state") != {"state": "connected"}:
                        pass
                    self.assertEqual(stream.next(), now)

    def test_a_browser_that_does_not_read_is_dropped_without_delaying_others(self):
        post = self.post("A long one")
        with Web(self.server.url) as web, Stream(web.url) as reader:
            reader.next_named("posts")
            slow = self.enterContext(open_stream(web.url))
            sent = 0
            for number in range(24):
                content = f"{number}" + "x" * 600_000
                self.rest.update("posts", post["id"], {"content": content})
                self.assertEqual(changed(reader)["content"], content)
                sent += len(content)
            self.assertLess(read_to_end(slow), sent)
            with Stream(web.url) as again:
                self.assertEqual(again.next_named("posts")[0]["content"], content)

    def test_browsers_that_reset_their_connection_do_not_affect_others(self):
        post = self.post("0")
        with Web(self.server.url) as web, Stream(web.url) as reader:
            reader.next_named("posts")
            for number in range(1, 31):
                with open_stream(web.url) as resetting:
                    # With a linger time of zero, closing sends a reset.
                    linger = struct.pack("ii", 1, 0)
                    resetting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.rest.update("posts", post["id"], {"title": f"{number}"})
                self.assertEqual(changed(reader)["title"], f"{number}")
            web.interrupt()
            self.assertEqual(web.status(), 0, web.text)


class Endings(WebCase):
    def test_the_web_server_ends_by_signals_with_open_streams(self):
        for end in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(end), Web(self.server.url) as web, Stream(web.url) as stream:
                stream.next_named("posts")
                with open_stream(web.url):
                    web.process.send_signal(end)
                    self.assertEqual(web.status(), 0, web.text)
                    stream.wait_for_end()

    def test_the_web_server_reports_errors_by_message_and_exit_status(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            cases = [
                ([], 2, "usage:"),
                ([self.server.url, "--port", "http"], 2, "usage:"),
                ([self.server.url, "--prot", "1"], 2, "--prot"),
                ([self.server.url, "--port", taken], 1, "EADDRINUSE"),
            ]
            for args, status, words in cases:
                with self.subTest(args=args), Program(command(*args), ADMIN) as program:
                    self.assertEqual(program.status(), status, program.text)
                    self.assertIn(words, program.text)

    def test_a_permanent_refusal_ends_the_web_server(self):
        for token, words in (("wrong", "refused the access token"), ("none-token", "refused")):
            args = command(self.server.url, "--port", 0)
            with self.subTest(token), Program(args, token) as program:
                self.assertEqual(program.status(), 1, program.text)
                self.assertIn(words, program.text)


class Pages(WebCase):
    def test_the_web_server_serves_only_its_own_files(self):
        with Web(self.server.url) as web:
            cases = [
                ("GET", "/", 200, "text/html; charset=utf-8"),
                ("GET", "/?from=a-link", 200, "text/html; charset=utf-8"),
                ("GET", "/page.css", 200, "text/css; charset=utf-8"),
                ("GET", "/page.js", 200, "text/javascript; charset=utf-8"),
                ("GET", "/server.mjs", 404, "text/plain"),
                ("GET", "/../server.mjs", 404, "text/plain"),
                ("GET", "//", 404, "text/plain"),
                ("POST", "/events", 405, None),
            ]
            for method, path, status, kind in cases:
                with self.subTest(path=path):
                    answer = ask(web.url, method, path)
                    self.assertEqual(answer.status, status)
                    self.assertEqual(answer.getheader("Content-Type"), kind)
                    self.assertIn("default-src 'self'", answer.getheader("Content-Security-Policy"))

    def test_the_page_shows_changes_and_gaps_and_recovers(self):
        folder = self.claim_folder()
        old = self.post("An old post", content="with a text")
        browser = self.enterContext(Browser(folder.path))
        with Web(self.server.url, folder.port) as web:
            browser.open(web.url)
            self.wait_for_titles(browser, ["An old post"])
            self.assert_badge(browser, "Online")
            self.check_changes(browser, old)
            self.check_a_restart_of_directus(browser, old)
            web.interrupt()
            self.assertEqual(web.status(), 0, web.text)
        self.check_a_restart_of_the_web_server(browser, folder.port)

    def check_changes(self, browser, old):
        self.post("First")
        last = self.post("Second", status="draft")
        self.wait_for_titles(browser, ["Second", "First", "An old post"])
        self.assertIn("created", self.card(browser, last["id"]))
        self.rest.update("posts", old["id"], {"title": MARKUP})
        self.wait_for_titles(browser, ["Second", "First", MARKUP])
        self.assertIn("updated", self.card(browser, old["id"]))
        self.assertEqual(
            browser.evaluate("document.querySelectorAll('img, #posts script').length"), 0
        )
        self.assertEqual(browser.evaluate("document.title"), "Live Posts Feed")
        self.rest.delete("posts", last["id"])
        self.wait_for_titles(browser, ["First", MARKUP])
        self.assertEqual(
            browser.evaluate("document.getElementById('count').textContent"), "2 posts"
        )
        self.assertTrue(browser.evaluate("document.getElementById('notice').hidden"))

    def check_a_restart_of_directus(self, browser, old):
        self.server.kill()
        self.assert_badge(browser, "Offline")
        self.wait_for_notice(browser, "There is no link to Directus")
        # The page keeps the known posts.
        self.wait_for_titles(browser, ["First", MARKUP])
        change_unseen(self.server, old["id"], "title", "Changed")
        self.server.start()
        self.wait_for_titles(browser, ["First", "Changed"])
        self.assert_badge(browser, "Online")
        self.wait_for_notice(browser, "RESYNC")
        self.assertIn("changed in the gap", self.card(browser, old["id"]))
        self.rest.update("posts", old["id"], {"title": "After the gap"})
        self.wait_for_titles(browser, ["First", "After the gap"])

    def check_a_restart_of_the_web_server(self, browser, port):
        self.assert_badge(browser, "Offline")
        self.wait_for_notice(browser, "There is no link to the web server.")
        missed = self.post("Missed")
        with Web(self.server.url, port):
            self.wait_for_titles(browser, ["Missed", "First", "After the gap"])
            self.assert_badge(browser, "Online")
            self.wait_for_notice(browser, "RESYNC")
            self.assertIn("new in the gap", self.card(browser, missed["id"]))

    def test_a_missing_chromium_is_reported_with_the_package_to_install(self):
        with (
            mock.patch.dict(os.environ, {"PATH": ""}),
            self.assertRaisesRegex(AssertionError, "install Debian's package `chromium`"),
        ):
            find_chromium()

    def claim_folder(self):
        folder = Folder("127.0.0.1")
        self.addCleanup(folder.remove)
        return folder

    def wait_for_titles(self, browser, titles):
        shown = "[...document.querySelectorAll('#posts h2')].map((title) => title.textContent)"
        browser.wait_for(f"JSON.stringify({shown}) === JSON.stringify({json.dumps(titles)})")

    def assert_badge(self, browser, text):
        browser.wait_for(f"document.getElementById('badge').textContent === {json.dumps(text)}")

    def wait_for_notice(self, browser, words):
        notice = "document.getElementById('notice')"
        browser.wait_for(
            f"!{notice}.hidden && {notice}.textContent.startsWith({json.dumps(words)})"
        )

    def card(self, browser, key):
        return browser.evaluate(f"document.querySelector('[data-key=\"{key}\"] .mark').textContent")


@contextlib.contextmanager
def open_stream(url):
    """A socket that has requested the events, with a small receive buffer."""
    host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.settimeout(60)
        listener.connect((host, int(port)))
        listener.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield listener


def read_to_end(connection):
    """How many bytes arrive before the other end closes."""
    count = 0
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(1 << 20):
            count += len(chunk)
    return count


def ask(url, method, path):
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=60)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


if __name__ == "__main__":
    unittest.main()
