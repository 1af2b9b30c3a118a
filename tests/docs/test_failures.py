"""The README's four programs report every failure, and what to do, within five seconds."""

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
    def assert_reported(self, url, token, *words):
        """Each program prints these words within the time, once it has begun to connect."""

        def change(text):
            return text.replace("http://localhost:8055", url).replace("my-token", token)

        for language in readme_programs.LANGUAGES:
            command = readme_programs.command(language, change)
            with self.subTest(language), run(command) as program:
                # The start of the language's runtime does not count.
                program.wait_for("connecting to")
                deadline = time.monotonic() + WITHIN
                for each in words:
                    program.wait_for(each, timeout=deadline - time.monotonic())

    def test_readme_programs_report_a_refused_connection(self):
        self.assert_reported(
            "http://127.0.0.1:1",
            "my-token",
            "127.0.0.1:1 refused the connection",
            "is the server running?",
        )

    def test_readme_programs_report_a_wrong_path(self):
        self.assert_reported(
            http(404),
            "my-token",
            "no WebSocket at that path",
            "check the URL",
            "WEBSOCKETS_ENABLED",
        )

    def test_readme_programs_report_an_endpoint_without_websockets(self):
        self.assert_reported(
            http(200, PAGE), "my-token", "does not upgrade to WebSocket", "check the path"
        )

    def test_readme_programs_report_disabled_websockets(self):
        with Server(VERSION, {"WEBSOCKETS_ENABLED": "false"}) as off:
            self.assert_reported(off.url, ADMIN, "no WebSocket at that path", "WEBSOCKETS_ENABLED")

    def test_readme_programs_report_a_refused_token(self):
        why, what = "the server refused the access token", "check the credentials"
        self.assert_reported(server().url, "wrong", why, "AUTH_FAILED", what)


if __name__ == "__main__":
    unittest.main()
