"""`make play`: the commands that it prints work, and it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from folders import RUNS  # noqa: E402
from paths import VERSIONS  # noqa: E402
from program import TIMEOUT, Program  # noqa: E402
from server import Server  # noqa: E402

SERVER = b"/node_modules/directus/cli.js"
LANGUAGES = ("C", "C++", "Python", "Node", "Shell")
PLAY = [sys.executable, str(ROOT / "examples" / "play.py")]


def processes_below(pid):
    """The processes below a process, at any depth."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *processes_below(child)]
    return found


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Compose(unittest.TestCase):
    def test_compose_runs_the_server_of_the_tests(self):
        text = (ROOT / "examples" / "compose.yaml").read_text()
        image = re.search(r"image: directus/directus:(.*)", text)[1]
        self.assertEqual(image, VERSIONS[0])
        block = text.partition("environment:\n")[2]
        given = dict(re.findall(r'^ +([A-Z_]+): "?([^"\n]*)"?$', block, re.M))
        server = Server.__new__(Server)
        server.extra, server.host = {}, "localhost"
        server._claimed = SimpleNamespace(path=Path("/directus/database"), port=8055)
        ours = server._environment()
        self.assertEqual(given, {name: ours[name] for name in given})
        self.assertEqual(given["WEBSOCKETS_ENABLED"], "true")


class Play(unittest.TestCase):
    def play(self, **env):
        command = ["env", "-u", "DISPLAY", "-u", "WAYLAND_DISPLAY", "-u", "CI"]
        settings = [f"{name}={value}" for name, value in env.items()]
        return Program([*command, *settings, *PLAY], "")

    def line(self, play, name):
        """The rest of the line that begins with a name."""
        return re.search(rf"^ +{re.escape(name)} +(.*)$", play.text, re.MULTILINE)[1]

    def ports(self, play):
        urls = (self.line(play, "its app"), self.line(play, "live feed"))
        return [int(re.search(r":(\d+)", url)[1]) for url in urls]

    def run_line(self, line):
        """Runs a line in a shell, from another folder."""
        shell = ["bash", "-c", f"exec env {line}"]
        return Program(["env", "-C", "/", "-u", "DIRECTUS_TOKEN", *shell], "")

    def assert_ends(self, play, how):
        ports, made = self.ports(play), processes_below(play.process.pid)
        self.assertGreaterEqual(len(made), 2, "a server and a web server")
        play.process.send_signal(how)
        self.assertEqual(play.status(), 0, play.text)
        self.assertNotIn("Traceback", play.text)
        self.assertFalse((RUNS / str(ports[0])).exists())
        self.assertEqual([port for port in ports if listens(port)], [])
        self.assertEqual([pid for pid in made if is_running(pid)], [])

    def test_the_commands_that_play_prints_work(self):
        with self.play() as play:
            play.wait_for("Ctrl-C ends")
            programs = {name: self.run_line(self.line(play, name)) for name in LANGUAGES}
            try:
                for name, program in programs.items():
                    with self.subTest(name):
                        program.wait_for("Welcome")
                change = ["bash", "-c", self.line(play, "Change")]
                subprocess.run(change, check=True, capture_output=True, timeout=TIMEOUT)
                for name, program in programs.items():
                    with self.subTest(name):
                        program.wait_for("Breaking news")
            finally:
                for program in programs.values():
                    program.__exit__()
            self.assert_ends(play, signal.SIGINT)

    def test_two_plays_run_at_once_and_one_ends_with_its_server(self):
        with self.play() as one, self.play() as other:
            for play in (one, other):
                play.wait_for("Ctrl-C ends")
            self.assertEqual(set(self.ports(one)) & set(self.ports(other)), set())
            self.assert_ends(one, signal.SIGTERM)
            self.assertTrue(all(map(listens, self.ports(other))))
            # The server ends unexpectedly.
            server = next(
                pid
                for pid in processes_below(other.process.pid)
                if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1].endswith(SERVER)
            )
            os.kill(server, signal.SIGKILL)
            self.assertEqual(other.status(), 1)
            self.assertIn("ended by itself", other.text)
            self.assertFalse(any(map(listens, self.ports(other))))

    def test_play_opens_the_page_only_on_a_desktop(self):
        with tempfile.TemporaryDirectory() as folder:
            opened, opener = Path(folder) / "opened", Path(folder) / "xdg-open"
            opener.write_text(f'#!/bin/sh\necho "$1" >>{opened}\n')
            opener.chmod(0o755)
            path = f"{folder}:{os.environ['PATH']}"
            for env, expected in (
                ({"DISPLAY": ":99"}, True),
                ({"DISPLAY": ":99", "CI": "1"}, False),
            ):
                with self.subTest(env), self.play(PATH=path, **env) as play:
                    play.wait_for("Ctrl-C ends")
                    deadline = time.monotonic() + (TIMEOUT if expected else 1)
                    while not opened.exists() and time.monotonic() < deadline:
                        time.sleep(0.05)
                    said = opened.read_text() if opened.exists() else ""
                    self.assertEqual(said.strip(), self.line(play, "live feed") if expected else "")
                    self.assert_ends(play, signal.SIGINT)
                opened.unlink(missing_ok=True)


if __name__ == "__main__":
    unittest.main()
