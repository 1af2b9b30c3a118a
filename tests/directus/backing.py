"""The PostgreSQL and the Redis that the nodes of a cluster share.

Both are programs of the system's packages, run as ordinary processes: nothing that
the system may have started is used or touched.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from folders import Folder
from paths import HERE
from server import SPAWNER, PortTakenError

HOST = "127.0.0.1"
READY_SECONDS = 60
# PostgreSQL does not run as root.
POSTGRES_USER = "postgres"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # Nothing outside its folder, and nothing that a power failure would need.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "jit": "off",
}


class Service(ABC):
    """A server program on a port and in a folder of its own."""

    # Ends it at once, without anything left.
    END = signal.SIGKILL

    def __init__(self):
        self.process = None
        for _ in range(5):
            self._claimed = Folder(HOST)
            try:
                self._prepare()
                self._start()
                return
            except PortTakenError:
                self.close()
            except BaseException:
                self.close()
                raise
        raise RuntimeError("the port was taken again and again")

    @property
    def folder(self):
        return self._claimed.path

    @property
    def port(self):
        return self._claimed.port

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def _prepare(self):  # noqa: B027
        """Prepares the folder."""

    @abstractmethod
    def _command(self):
        """The command that is run."""

    @abstractmethod
    def _is_ready(self):
        """Whether it can be used."""

    def _start(self):
        log = self.folder / "log"
        with open(log, "ab") as out:
            making = SPAWNER.submit(
                subprocess.Popen,
                self._command(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            self.process = making.result()
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-4000:]
                taken = "Address already in use" in said
                raise (PortTakenError if taken else RuntimeError)(f"it is not ready:\n{said}")
            time.sleep(0.02)

    def end(self, how=None):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(self.END if how is None else how)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def close(self):
        """Ends it for good and removes its folder."""
        self.end()
        self._claimed.remove()


class Redis(Service):
    def _command(self):
        options = {"port": str(self.port), "bind": HOST, "dir": str(self.folder)}
        options.update({"save": "", "appendonly": "no", "daemonize": "no"})
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [*child_guard(), program("redis-server", "redis-server"), *words]

    def _is_ready(self):
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as link:
                link.sendall(b"PING\r\n")
                return link.recv(100).startswith(b"+PONG") and self.process.poll() is None
        except OSError:
            return False


class Database(Service):
    """`template`: a data directory to start from, instead of an empty one."""

    # Ends it with its data as they have to be for another start.
    STOP = signal.SIGTERM

    def __init__(self, template=None):
        self._template = template
        super().__init__()

    @property
    def data(self):
        return self.folder / "data"

    def keep_as(self, template):
        """Stops, and saves its data directory as a template."""
        self.end(self.STOP)
        template.parent.mkdir(parents=True, exist_ok=True)
        part = template.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        copy(self.data, part)
        # Whole or not at all.
        part.rename(template)


class Postgres(Database):
    # An immediate shutdown gives the shared memory back.
    END = signal.SIGQUIT
    # A fast one does not wait for the connections.
    STOP = signal.SIGINT

    def _prepare(self):
        if self._template:
            copy(self._template, self.data)
            return
        # It makes the directory itself, so that it is its own.
        options = ["--auth=trust", f"--username={POSTGRES_USER}", "--encoding=UTF8", "--locale=C"]
        init = [postgres("initdb"), f"--pgdata={self.data}", "--no-sync", "--wal-segsize=1"]
        done = subprocess.run(
            [*unprivileged(), *init, *options],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout[-4000:]}")

    def _command(self):
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = [postgres("postgres"), "-D", str(self.data), "-p", str(self.port), *settings]
        return [*unprivileged(), *child_guard("--signal", "SIGQUIT"), *server]

    def _is_ready(self):
        probe = [postgres("pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(probe, check=False).returncode == 0 and self.process.poll() is None


def copy(source, target):
    # Python's own copies leave the owner behind.
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)


def child_guard(*options):
    """The beginning of a command under a child guard: it ends with this process."""
    return [sys.executable, str(HERE / "child_guard.py"), *options, str(os.getpid())]


def unprivileged():
    """The beginning of a command that must not run as root. It keeps access to its folder, which
    may be inside one that only root can read."""
    if os.geteuid() != 0:
        return []
    who = ["--reuid", POSTGRES_USER, "--regid", POSTGRES_USER, "--init-groups"]
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [program("setpriv", "util-linux"), *who, *rights, "--"]


def program(name, package):
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"the tests with a cluster need {name} (the package {package})")
    return found


def postgres(name):
    """A program of PostgreSQL: Debian keeps them outside of PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    versions = [path for path in versions if (path / "postgres").exists()]
    if versions:
        return str(max(versions, key=lambda path: float(path.parent.name)) / name)
    return program(name, "postgresql")


def postgres_version():
    """Its data can be read by this version only."""
    said = subprocess.run(
        [postgres("postgres"), "--version"], check=True, stdout=subprocess.PIPE, text=True
    )
    return re.search(r"\d+", said.stdout).group()
