"""A folder and a port for each running test server."""

import fcntl
import os
import random
import shutil
import socket

from paths import CACHE, locked

RUNS = CACHE / "run"
# Below the ports that the kernel hands out: nothing takes one while its server is
# stopped, and no client that calls it then is connected to itself.
PORTS = range(20000, 32768)


class Folder:
    """A folder named after the port that its holder may listen on.

    It is held by a lock that goes with the process, whichever way that ends.
    """

    def __init__(self, host):
        RUNS.mkdir(parents=True, exist_ok=True)
        with locked("run"):
            remove_left_behind()
            self.port = free_port(host)
            self.path = RUNS / str(self.port)
            self.path.mkdir()
            self._lock = hold(self.path)

    def remove(self):
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def hold(path):
    """Locks a folder; None if another process holds it."""
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def remove_left_behind():
    """Removes the folders of processes that were killed."""
    for path in RUNS.iterdir():
        try:
            lock = hold(path) if path.name.isdigit() else None
        except FileNotFoundError:
            continue
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def free_port(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.sample(PORTS, len(PORTS)):
        if (RUNS / str(port)).exists():
            continue
        with socket.socket(family) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
