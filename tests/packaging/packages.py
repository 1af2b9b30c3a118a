"""What `make dist` has made, and the environments in which it is installed."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "dist"
CACHE = ROOT / "target" / "dist-tests"
TOOLS = ROOT / "target" / "dist-tools" / "bin"
sys.path[:0] = [str(ROOT / "bindings" / "publish"), str(ROOT / "tests" / "scripted_server")]

from platforms import PLATFORMS  # noqa: E402

VERSION = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What processes get of the environment: no cargo, no library of a checkout.
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
NATIVE = "linux-x64-gnu" if os.uname().machine == "x86_64" else "linux-arm64-gnu"


def archive(name):
    return OUT / f"directus-realtime-{VERSION}-{name}.tar.gz"


def wheel(name):
    tags = ".".join(PLATFORMS[name].wheel_tags)
    return OUT / f"directus_realtime-{VERSION}-py3-none-{tags}.whl"


def npm_tarball(name):
    return OUT / f"{PLATFORMS[name].npm_name}-{VERSION}.tgz"


def deb(package, name):
    return OUT / f"{package}_{VERSION}_{PLATFORMS[name].debian}.deb"


def made():
    """The platforms that packages were made for."""
    names = [name for name in PLATFORMS if archive(name).exists()]
    assert names, f"there is nothing in {OUT}: make dist"
    return names


def needs(name):
    """Skips a test without packages for a platform."""
    return unittest.skipUnless(archive(name).exists(), f"make dist has left {name} out")


def succeeds(command, timeout=900, **more):
    """Runs a command that must succeed, and returns what it prints."""
    command = [str(part) for part in command]
    more.setdefault("env", BARE)
    merged = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, timeout=timeout, **merged, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}")
    return done.stdout


def readme_program(language, url):
    """The README's program, with the address of a server in place of the README's."""
    text = re.search(rf"```{language}\n(.*?)```", README, re.S).group(1)
    assert "http://localhost:8055" in text
    return text.replace("http://localhost:8055", url)
