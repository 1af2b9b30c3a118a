"""Shared by the tests of the pages: one server, and one folder for what they build."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import peers
from blocks import ROOT

sys.path += [str(ROOT / "tests" / "directus"), str(ROOT / "tests" / "examples")]

from paths import build_dir
from program import Program
from rest import ADMIN
from shared import shared_server

VERSION = "12.4.0"
OUT = ROOT / "target" / "docs"
LIBRARY = build_dir() / "release"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMPILERS = {"c": ["cc", "-std=c11"], "cpp": ["c++", "-std=c++17", "-pthread"]}
# The lifetime of a login's tokens, short enough to be asked for a second one.
TOKEN_SECONDS = 6


def server():
    return shared_server(VERSION, ACCESS_TOKEN_TTL=f"{TOKEN_SECONDS}s")


@functools.cache
def folder():
    """A folder that is removed when the tests end, with the links of a checkout."""
    OUT.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=OUT))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    (made / "include").symlink_to(ROOT / "include")
    (made / "target").symlink_to(build_dir())
    return made


@functools.cache
def tls_port(certificate="localhost"):
    """The port of a TLS endpoint in front of the server."""
    if not (folder() / "authority.pem").exists():
        peers.make_certificates(folder())
    chain, key = folder() / f"{certificate}.pem", folder() / "localhost.key"
    return peers.tls_before(server().port, chain, key)


def real(text):
    """Replaces the addresses and credentials of the pages by the test server's."""
    replaced = {
        "localhost:8443": f"localhost:{tls_port()}",
        "localhost:8055": f"127.0.0.1:{server().port}",
        "localhost:8056": "127.0.0.1:1",
        "my-token": ADMIN,
        "me@example.com": "reader@example.com",
        "my-password": "reader-password",
    }
    for written, meant in replaced.items():
        text = text.replace(written, meant)
    return text


def pkg_config(libraries):
    if not libraries:
        return []
    command = ["pkg-config", "--cflags", "--libs", libraries]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def is_installed(libraries):
    return subprocess.run(["pkg-config", "--exists", libraries], check=False).returncode == 0


def build(name, language, source, libraries=None, flags=""):
    """Compiles a program as the pages tell their readers to."""
    program = folder() / f"{name}.out"
    file = folder() / f"{name}.{language}"
    file.write_text(real(source), encoding="utf-8")
    command = [
        *COMPILERS[language],
        *WARNINGS,
        *flags.split(),
        str(file),
        "-o",
        str(program),
        f"-I{ROOT / 'include'}",
        f"-L{LIBRARY}",
        "-ldirectus_realtime",
        f"-Wl,-rpath,{LIBRARY}",
        *pkg_config(libraries),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
    return program


def node(name, text):
    """The command that runs a module of JavaScript, which finds the Node package."""
    modules = folder() / "node_modules"
    modules.mkdir(exist_ok=True)
    if not (modules / "directus-realtime").is_symlink():
        (modules / "directus-realtime").symlink_to(ROOT / "bindings" / "node")
    file = folder() / f"{name}.mjs"
    file.write_text(text, encoding="utf-8")
    return [shutil.which("node"), file]


def run(command):
    """Runs a command in the folder, with line-buffered output as in a terminal."""
    return Program(["env", "-C", str(folder()), "stdbuf", "-oL", *map(str, command)], ADMIN)
