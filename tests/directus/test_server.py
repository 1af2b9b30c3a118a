"""Tests of the test servers themselves.

python3 tests/directus/test_server.py
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from folders import RUNS, remove_left_behind
from install import install
from paths import HERE, VERSIONS, locked
from rest import RestError
from schema import COLLECTIONS, READABLE
from server import Server


def is_running(pid):
    """Whether a process is there; what nobody has waited for does not count."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def ends(pid, seconds=10):
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


class Command:
    """`server.py serve`, as the tests in other languages drive it."""

    def __init__(self, *options, script="server.py"):
        command = [sys.executable, str(HERE / script), "serve", *options]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, **pipes)
        self.ready = self.line()

    def line(self):
        return json.loads(self.process.stdout.readline())

    def tell(self, order):
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def ask(self, order):
        self.tell(order)
        return self.line()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class TestVersion:
    """What holds for each version."""

    version = None

    @classmethod
    def setUpClass(cls):
        install(cls.version)
        cls.server = Server(cls.version)
        cls.addClassCleanup(cls.server.close)
        cls.rest = cls.server.rest

    def assert_refused(self, status, *request, token):
        with self.assertRaises(RestError) as caught:
            self.rest.request(*request, token=token)
        self.assertEqual(caught.exception.status, status)

    def test_collections_have_their_kinds_of_keys(self):
        author = self.rest.create("authors", {"name": "Ann"})
        post = self.rest.create("posts", {"title": "One", "n": 1, "author": author["id"]})
        self.assertIsInstance(post["id"], int)
        read = self.rest.request("GET", f"/items/authors/{author['id']}?fields=name,posts.title")
        self.assertEqual(read, {"name": "Ann", "posts": [{"title": "One"}]})
        read = self.rest.request("GET", f"/items/posts/{post['id']}?fields=author.name,n")
        self.assertEqual(read, {"author": {"name": "Ann"}, "n": 1})
        thing = self.rest.create("things", {"title": "T"})
        self.assertRegex(thing["id"], "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.rest.create("codes", {"code": "a/b c", "label": "L"})
        self.rest.update("codes", "a/b c", {"label": "M"})
        self.assertEqual(self.rest.read("codes"), [{"code": "a/b c", "label": "M"}])
        self.rest.update("settings_one", None, {"title": "S"})
        self.assertEqual(self.rest.read("settings_one", "fields=title"), {"title": "S"})
        message = self.rest.create("messages", {"channel_id": "c", "text": "hello"})
        self.assertRegex(message["date_created"], "^20[0-9-]+T[0-9:.]+Z$")
        self.rest.delete("posts", post["id"])
        self.assertNotIn(post["id"], [each["id"] for each in self.rest.read("posts")])

    def test_users_may_read_what_they_should(self):
        for name in COLLECTIONS:
            path = f"/items/{name}"
            if name in READABLE:
                self.rest.request("GET", path, token="reader-token")
            else:
                self.assert_refused(403, "GET", path, token="reader-token")
            self.assert_refused(403, "GET", path, token="none-token")
        self.assert_refused(403, "POST", "/items/posts", {"title": "x"}, token="reader-token")

    def test_the_ordinary_user_can_log_in(self):
        session = self.rest.login("reader@example.com", "reader-password")
        self.rest.request("GET", "/items/posts", token=session["access_token"])
        self.assertEqual(session["expires"], 900_000)
        with self.assertRaises(RestError):
            self.rest.login("reader@example.com", "wrong")

    def test_data_stay_through_a_stop_and_a_kill(self):
        key = self.rest.create("posts", {"title": "stays"})["id"]
        port = self.server.port
        for end in (self.server.stop, self.server.kill):
            pid = self.server.pid
            end()
            self.assertFalse(is_running(pid))
            self.server.start()
            self.assertEqual(self.server.port, port)
            self.assertIn(key, [each["id"] for each in self.rest.read("posts")])


class TestTwelve(TestVersion, unittest.TestCase):
    version = "12.4.0"


class TestEleven(TestVersion, unittest.TestCase):
    version = "11.17.4"

    def test_rules_on_fields_and_rows(self):
        for status in ("draft", "published"):
            self.rest.create("posts", {"title": "T", "status": status, "n": 1})
        read = self.rest.request("GET", "/items/posts", token="limited-token")
        self.assertEqual({each["status"] for each in read}, {"published"})
        self.assertEqual(set(read[0]), {"id", "title", "status"})


class TestProcesses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for version in VERSIONS:
            install(version)

    def test_servers_of_a_thread_outlive_it_and_are_apart(self):
        servers = []
        threads = [
            threading.Thread(target=lambda v=version: servers.append(Server(v)))
            for version in VERSIONS
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        for each in servers:
            self.addCleanup(each.close)
        one, two = servers
        one.rest.create("posts", {"title": "here"})
        self.assertEqual((len(one.rest.read("posts")), two.rest.read("posts")), (1, []))
        pids = [each.pid for each in servers]
        for each in servers:
            each.close()
            self.assertFalse(each.folder.exists())
        self.assertEqual([is_running(pid) for pid in pids], [False, False])

    def test_a_port_that_is_taken_is_told(self):
        with Server() as server, socket.socket() as other:
            server.stop()
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((server.host, server.port))
            other.listen()
            with self.assertRaisesRegex(RuntimeError, "already in use"):
                server.start()

    def test_the_command_obeys(self):
        command = Command("--env", "ACCESS_TOKEN_TTL=5s")
        self.addCleanup(command.close)
        url, port, pid = (command.ready[name] for name in ("url", "port", "pid"))
        self.assertEqual(url, f"http://127.0.0.1:{port}")
        self.assertEqual(command.ready["version"], VERSIONS[0])
        self.assertEqual(command.ready["admin_token"], "admin-static-token")

        self.assertEqual(command.ask("freeze")["done"], "freeze")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /server/ping HTTP/1.0\r\n\r\n")
            self.assertEqual(select.select([client], [], [], 0.3)[0], [])
            command.ask("thaw")
            self.assertIn(b"200 OK", client.recv(1000))

        self.assertIsNone(command.ask("kill")["pid"])
        self.assertFalse(is_running(pid))
        again = command.ask("start")
        self.assertNotEqual(again["pid"], pid)
        self.assertEqual(again["port"], port)
        self.assertIn("no such order", command.ask("jump")["error"])
        command.tell("quit")
        self.assertEqual(command.process.wait(timeout=15), 0)
        self.assert_nothing_left(again)

    def assert_nothing_left(self, ready):
        self.assertTrue(ends(ready["pid"]))
        with locked("run"):
            remove_left_behind()
        self.assertFalse((RUNS / str(ready["port"])).exists())

    def test_nothing_is_left_however_the_command_ends(self):
        commands = [Command(), Command(), Command()]
        for each in commands:
            self.addCleanup(each.close)
        closed, killed, asked = commands
        frozen = killed.ask("freeze")
        closed.process.stdin.close()
        os.kill(killed.process.pid, signal.SIGKILL)
        os.kill(asked.process.pid, signal.SIGTERM)
        self.assertEqual(closed.process.wait(timeout=15), 0)
        self.assertEqual(asked.process.wait(timeout=15), 143)
        for each in (closed.ready, frozen, asked.ready):
            self.assert_nothing_left(each)


if __name__ == "__main__":
    unittest.main()
