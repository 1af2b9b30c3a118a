"""Paths of the repository, of the cache under target/, and of cargo's output."""

import fcntl
import functools
import hashlib
import json
import os
import platform
import subprocess
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / "target" / "directus"
EXAMPLES_SCHEMA = ROOT / "examples" / "schema.json"
VERSIONS = ("12.4.0", "11.17.4")
NODE_PACKAGE = "node-linux-" + {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
NODE = CACHE / "node" / "node_modules" / NODE_PACKAGE / "bin" / "node"


@functools.cache
def build_dir():
    """Cargo's target directory, by CARGO_TARGET_DIR and its configuration."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    try:
        said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ROOT / "target"
    return Path(os.path.normpath(json.loads(said)["target_directory"]))


def shared_library():
    """The library that `make lib` builds."""
    return build_dir() / "release" / "libdirectus_realtime.so"


def pinned(name):
    """The folder with the lock file of a version, or of `node`."""
    return HERE / "versions" / name


def home_of(name):
    """The folder that a version of Directus (or `node`) is installed in."""
    return CACHE / name


def digest(*files):
    """A short name for the contents of some files."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


def template_of(version):
    """The database that every test server begins with."""
    made_of = (HERE / "schema.py", HERE / "users.py", EXAMPLES_SCHEMA)
    name = digest(*made_of, pinned(version) / "package-lock.json")
    return CACHE / f"template-{version}-{name}" / "data.db"


@contextmanager
def locked(name):
    """Holds a lock that all test runs in one checkout share."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
