"""Real Directus servers for tests, each a process with a database of its own.

As a module: `with Server("12.4.0", env={…}) as server:`. As a command, for tests
in other languages:

    python3 tests/directus/server.py serve [--version V] [--env NAME=VALUE …]

prints one line of JSON when the server is ready, then obeys the lines that come
in (stop, kill, start, freeze, thaw, quit) and answers each with a line. The
server never outlives it.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from paths import CACHE, NODE, VERSIONS, server_home, template_home
from rest import ADMIN, Rest

READY_SECONDS = 90
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """In the child: the kernel ends it when the thread that made it is gone."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Server:
    """A server on loopback. `template=None` begins with an empty database."""

    def __init__(self, version=VERSIONS[0], env=None, template="schema"):
        self.version = version
        self.extra = dict(env or {})
        self.host = self.extra.get("HOST", "127.0.0.1")
        self.port = free_port(self.host)
        self.process = None
        runs = CACHE / "run"
        runs.mkdir(parents=True, exist_ok=True)
        self.folder = type(runs)(tempfile.mkdtemp(dir=runs))
        self.log = self.folder / "log"
        try:
            if template:
                shutil.copy(template_home(version) / "data.db", self.folder / "data.db")
            else:
                self._run("bootstrap")
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def rest(self):
        return Rest(self.url)

    @property
    def pid(self):
        return self.process.pid

    def _environment(self):
        own = {
            "DB_CLIENT": "sqlite3",
            "DB_FILENAME": str(self.folder / "data.db"),
            "SECRET": "dev-secret-0123456789abcdef0123456789",
            "KEY": "dev",
            "HOST": self.host,
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "ADMIN_EMAIL": "admin@example.com",
            "ADMIN_PASSWORD": "d1r3ctu5-dev",
            "ADMIN_TOKEN": ADMIN,
            "WEBSOCKETS_ENABLED": "true",
            "TELEMETRY": "false",
            "CACHE_ENABLED": "false",
            "LOG_LEVEL": "warn",
            "PRESSURE_LIMITER_ENABLED": "false",
            "STORAGE_LOCAL_ROOT": str(self.folder / "uploads"),
            "EXTENSIONS_PATH": str(self.folder / "extensions"),
        }
        path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, **own, **self.extra}

    def _command(self, verb):
        script = server_home(self.version) / "node_modules" / "directus" / "cli.js"
        return [str(NODE), str(script), verb]

    def _run(self, verb):
        done = subprocess.run(
            self._command(verb),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )
        if done.returncode != 0:
            raise RuntimeError(f"directus {verb} failed:\n{done.stdout[-4000:]}")

    def start(self):
        """Starts the server, on the same port and database as before."""
        for _ in range(5):
            with open(self.log, "a") as log:
                self.process = subprocess.Popen(
                    self._command("start"),
                    cwd=self.folder,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=die_with_parent,
                )
            if self._wait_until_ready():
                return
            # Somebody took the port in between.
            self.port = free_port(self.host)
        raise RuntimeError(f"directus does not start:\n{self.log.read_text()[-4000:]}")

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                if "EADDRINUSE" in self.log.read_text():
                    return False
                raise RuntimeError(f"directus ended:\n{self.log.read_text()[-4000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/server/ping", timeout=5) as answer:
                    if answer.read() == b"pong":
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"directus is not ready in {READY_SECONDS} s")

    def stop(self):
        """Ends the server as an administrator would."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Ends the server as a power failure would."""
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def freeze(self):
        """The server stands still; its sockets stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        """Ends the server for good and removes its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def serve(version, env):
    """The command: see the module."""
    from install import install

    install(version)
    # An end by signal runs the clean-up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Server(version, env) as server:

        def answer(order):
            known = {"url": server.url, "port": server.port, "version": version}
            pid = server.process.pid if server.process else None
            print(json.dumps({**known, "pid": pid, "admin_token": ADMIN, "done": order}), flush=True)

        answer("ready")
        for line in sys.stdin:
            order = line.strip()
            if order == "quit":
                break
            if order in ("stop", "kill", "start", "freeze", "thaw"):
                getattr(server, order)()
                answer(order)
            elif order:
                print(json.dumps({"error": f"no such order: {order}"}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serve", help="start a server and obey standard input")
    command.add_argument("--version", default=VERSIONS[0], choices=VERSIONS)
    command.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    serve(args.version, dict(pair.split("=", 1) for pair in args.env))


if __name__ == "__main__":
    main()
