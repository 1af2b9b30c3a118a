"""Roots of small Debian systems, made by mmdebstrap once and unpacked for each test."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from packages import BARE, CACHE, succeeds

#: The release, the processor, how much of a system it is, and what is in it.
ROOTS = {
    "debian-11": ("bullseye", "amd64", "minbase", "python3-venv,ca-certificates"),
    "debian-12": ("bookworm", "amd64", "minbase", "python3-venv,ca-certificates"),
    "debian-11-compilers": ("bullseye", "amd64", "minbase", "g++,make,cmake,pkg-config"),
    # Unpacked and not set up, which programs for another processor would have to do.
    "debian-12-arm64": ("bookworm", "arm64", "extract", "python3,libstdc++6,musl"),
}


def needs_roots(test):
    test = unittest.skipUnless(os.getuid() == 0, "needs root, to use the roots of other systems")(
        test
    )
    return unittest.skipUnless(shutil.which("mmdebstrap"), "mmdebstrap is not installed")(test)


def needs_qemu(test):
    return unittest.skipUnless(shutil.which("qemu-aarch64-static"), "qemu is not installed")(test)


def packed(name):
    """The root as an archive."""
    release, processor, variant, packages = ROOTS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    file = CACHE / f"{name}.tar"
    with open(CACHE / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            partial = CACHE / f"{name}.partial.tar"
            options = [f"--variant={variant}", f"--architectures={processor}"]
            options += [f"--include={packages}", "--aptopt=Acquire::Retries 3"]
            environment = {**BARE, "PATH": f"{BARE['PATH']}:/usr/sbin:/sbin"}
            succeeds(["mmdebstrap", *options, release, partial], env=environment)
            partial.rename(file)
    return file


@contextlib.contextmanager
def root(name):
    """A fresh root."""
    folder = Path(tempfile.mkdtemp(prefix=f"drt-{name}-"))
    try:
        succeeds(["tar", "xf", packed(name), "-C", folder])
        yield Root(folder)
    finally:
        shutil.rmtree(folder)


class Root:
    def __init__(self, folder):
        self.folder = folder

    def command(self, *command):
        """The command that runs a command in it."""
        return ["/usr/sbin/chroot", self.folder, *command]

    def runs(self, *command):
        environment = {**BARE, "PATH": f"{BARE['PATH']}:/usr/sbin:/sbin"}
        return succeeds(self.command(*command), env=environment)

    def copy(self, file, place="/root"):
        """Copies a file into it, and returns its path there."""
        there = self.folder / place.lstrip("/")
        there.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
        return f"{place}/{Path(file).name}"

    def write(self, name, text):
        (self.folder / "root").mkdir(exist_ok=True)
        (self.folder / "root" / name).write_text(text)
        return f"/root/{name}"

    def has(self, program):
        return any(
            (self.folder / place / program).exists() for place in ("usr/bin", "usr/local/bin")
        )
