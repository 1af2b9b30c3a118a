"""Real Directus servers for tests, each a process with a database of its own.

As a module: `with Server("12.4.0", env={…}) as server:` (once `install(version)` of
install.py was called). As a command, for tests in other languages:

    python3 tests/directus/server.py serve [--version V] [--env NAME=VALUE …]

installs the version if need be, prints one line of JSON when the server is ready,
then obeys the lines that come in (stop, kill, start, freeze, thaw, quit) and answers
each with such a line, but the last. The server never outlives it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from folders import Folder
from paths import HERE, NODE, VERSIONS, home_of, template_of
from rest import ADMIN, DIRECT, Rest

READY_SECONDS = 90
PORT_TAKEN = "is already in use"
# What the server sees of this process's environment: Directus takes its settings
# from there.
KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
# "Together with its parent" is for the kernel: with the thread that made it. So one
# thread makes them all, and lives as long as the process.
SPAWNER = ThreadPoolExecutor(max_workers=1)


class PortTakenError(RuntimeError):
    """Something else listens on the server's port."""


class Server:
    """A server on loopback. `template=False` begins with an empty database."""

    def __init__(self, version=VERSIONS[0], env=None, template=True):
        self.version = version
        self.extra = dict(env or {})
        self.host = self.extra.get("HOST", "127.0.0.1")
        self.process = None
        for _ in range(5):
            self._claimed = Folder(self.host)
            try:
                self._prepare(template)
                self.start()
                return
            except PortTakenError:
                self.close()
            except BaseException:
                self.close()
                raise
        raise RuntimeError("the port was taken again and again")

    def _prepare(self, template):
        if template:
            shutil.copy(self._template(), self.folder / "data.db")
        else:
            self._bootstrap()

    def _home(self):
        return home_of(self.version)

    def _template(self):
        return template_of(self.version)

    @property
    def folder(self):
        return self._claimed.path

    @property
    def log(self):
        return self.folder / "log"

    @property
    def port(self):
        return self._claimed.port

    @property
    def url(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def rest(self):
        return Rest(self.url)

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def _environment(self):
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
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
        return {**kept, **own, **self.extra}

    def _spawn(self, verb):
        guard = [sys.executable, str(HERE / "child_guard.py"), str(os.getpid())]
        script = self._home() / "node_modules" / "directus" / "cli.js"
        with open(self.log, "ab") as log:
            making = SPAWNER.submit(
                subprocess.Popen,
                [*guard, str(NODE), str(script), verb],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            self.process = making.result()

    def _logged(self):
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def _bootstrap(self):
        self._spawn("bootstrap")
        if self.process.wait() != 0:
            raise RuntimeError(f"directus bootstrap failed:\n{self._logged()}")

    def start(self):
        """Starts the server, on the same port and database as before."""
        if self.process and self.process.poll() is None:
            return
        self._spawn("start")
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None:
                failure = PortTakenError if PORT_TAKEN in self._logged() else RuntimeError
                raise failure(f"directus ended:\n{self._logged()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready in {READY_SECONDS} s:\n{self._logged()}")
            time.sleep(0.05)

    def _is_ready(self):
        try:
            with DIRECT.open(f"{self.url}/server/ping", timeout=5) as answer:
                return answer.read() == b"pong" and self.process.poll() is None
        except OSError:
            return False

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
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def about(self):
        return {"url": self.url, "port": self.port, "pid": self.pid}

    def close(self):
        """Ends the server for good and removes its folder."""
        self.kill()
        self._claimed.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def exit_by_signal(number, _frame):
    """Unwinds, so that the clean-up runs; another signal does not disturb it."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def carry_out(server, order):
    """Whether there is such an order."""
    if order not in ("stop", "kill", "start", "freeze", "thaw"):
        return False
    getattr(server, order)()
    return True


def obey(perform, about):
    """Tells that all is ready, then obeys the lines that come in, until `quit`."""

    def answer(order):
        print(json.dumps({**about(), "admin_token": ADMIN, "done": order}), flush=True)

    answer("ready")
    for line in sys.stdin:
        order = line.strip()
        if order == "quit":
            break
        if perform(order):
            answer(order)
        elif order:
            print(json.dumps({"error": f"no such order: {order}"}), flush=True)


def exit_on_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, exit_by_signal)


def serve(version, env):
    """The command: see the module."""
    from install import install

    install(version)
    exit_on_signals()
    with Server(version, env) as server:

        def about():
            return {**server.about(), "version": version}

        obey(lambda order: carry_out(server, order), about)


def setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def options(parser):
    parser.add_argument("--version", default=VERSIONS[0], choices=VERSIONS)
    parser.add_argument("--env", action="append", default=[], type=setting, metavar="NAME=VALUE")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    options(commands.add_parser("serve", help="start a server and obey standard input"))
    args = parser.parse_args()
    serve(args.version, dict(args.env))


if __name__ == "__main__":
    main()
