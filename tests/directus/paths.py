"""Where things are: the repository, the cache under target/, the machine's kind."""

import fcntl
import hashlib
import platform
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / "target" / "directus"
VERSIONS = ("12.4.0", "11.17.4")
NODE_VERSION = "22.23.3"
NODE_PACKAGE = "node-linux-" + {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
NODE = CACHE / "node" / "node_modules" / NODE_PACKAGE / "bin" / "node"


def server_home(version):
    """The folder that a version of Directus is installed in."""
    return CACHE / version


def digest(*files):
    """A short name for the contents of some files."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(Path(file).read_bytes())
    return whole.hexdigest()[:16]


def template_home(version):
    """The folder of the database that every test server begins with."""
    name = digest(HERE / "schema.py", HERE / "versions" / version / "package-lock.json")
    return CACHE / f"template-{version}-{name}"


@contextmanager
def locked(name):
    """Holds a lock that two test runs in one checkout share."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
