"""What the parts of `make dist` share: paths, the version, and how a command is run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "target" / "dist"
BUILD = ROOT / "target" / "dist-build"
TOOLS = Path(sys.executable).parent
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)


def run(*command, cwd=ROOT, **environment):
    """Runs a command that must succeed, with the pinned tools first in its PATH."""
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    settings = {**os.environ, "PATH": path, **environment}
    subprocess.run([str(part) for part in command], cwd=cwd, env=settings, check=True)


def output(*command):
    command = [str(part) for part in command]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def fresh(*names):
    """An empty folder to put a package together in."""
    folder = BUILD.joinpath("stage", *names)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_json(path, value):
    path.write_text(json.dumps(value, indent=4) + "\n")
