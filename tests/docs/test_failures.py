"""Whatever is wrong, the README's four programs say so and what to do, within five seconds."""

import time
import unittest

import peers
import readme_programs
from house import VERSION, run, server
from rest import ADMIN
from server import Server

WITHIN = 5
PAGE = "<html>It works!</html>"


def http(status, body=""):
    length = f"Content-Length: {len(body)}"
    head = f"HTTP/1.1 {status} Thus\nContent-Type: text/html\n{length}\n\n"
    return f"http://127.0.0.1:{peers.answering(head + body)}"


class Failures(unittest.TestCase):
    def assert_said(self, url, token, *words):
        """Each program says these words in time."""

        def change(text):
            return text.replace("http://localhost:8055", url).replace("my-token", token)

        for language in readme_programs.LANGUAGES:
            command = readme_programs.command(language, change)
            with self.subTest(language), run(command) as program:
                deadline = time.monotonic() + WITHIN
                for each in words:
                    program.wait_for(each, patience=deadline - time.monotonic())

    def test_nothing_listens_at_the_port(self):
        self.assert_said(
            "http://127.0.0.1:1",
            "my-token",
            "127.0.0.1:1 refused the connection",
            "is the server running?",
        )

    def test_the_path_is_wrong(self):
        self.assert_said(
            http(404),
            "my-token",
            "no WebSocket at that path",
            "check the URL",
            "WEBSOCKETS_ENABLED",
        )

    def test_a_page_answers(self):
        self.assert_said(
            http(200, PAGE), "my-token", "does not upgrade to WebSocket", "check the path"
        )

    def test_websockets_are_not_enabled(self):
        with Server(VERSION, {"WEBSOCKETS_ENABLED": "false"}) as off:
            self.assert_said(off.url, ADMIN, "no WebSocket at that path", "WEBSOCKETS_ENABLED")

    def test_the_token_is_wrong(self):
        why, what = "the server refused the access token", "check the credentials"
        self.assert_said(server().url, "wrong", why, "AUTH_FAILED", what)


if __name__ == "__main__":
    unittest.main()
