"""Where things are: the repository, the cache under target/, the machine's kind."""

import fcntl
import hashlib
import platform
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "target" / "directus"
VERSIONS = ("12.4.0", "11.17.4")
NODE_PACKAGE = "node-linux-" + {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
NODE = CACHE / "node" / "node_modules" / NODE_PACKAGE / "bin" / "node"


def pinned(name):
    """The folder that says what exactly to install: of a version, or of `node`."""
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
    name = digest(HERE / "schema.py", pinned(version) / "package-lock.json")
    return CACHE / f"template-{version}-{name}" / "data.db"


@contextmanager
def locked(name):
    """Holds a lock that all test runs in one checkout share."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
