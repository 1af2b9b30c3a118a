"""Runs the tests on the newest CPython that this machine has, besides the usual one.

python newest.py [ARGUMENT OF PYTEST …]

It prints which one that is, or that there is none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from interpreters import found

PACKAGE = Path(__file__).resolve().parents[1]
VENVS = PACKAGE.parents[1] / "target" / "python"


def wanted() -> list[str]:
    """The pinned packages that the tests need, without those that check and build."""
    lines = (PACKAGE / "requirements-dev.txt").read_text().splitlines()
    return [line for line in lines if line.startswith(("pytest", "uvloop"))]


def main(arguments: list[str]) -> int:
    newer = {version: path for version, path in found() if version > sys.version_info[:2]}
    if not newer:
        ours = ".".join(map(str, sys.version_info[:2]))
        print(f"no CPython newer than {ours} was found: the tests ran on {ours} only")
        return 0
    version = max(newer)
    venv = VENVS / f"venv-{version[0]}.{version[1]}"
    python = venv / "bin" / "python"
    stamp = venv / "complete"
    if not stamp.exists() or stamp.read_text() != "\n".join(wanted()):
        subprocess.run([newer[version], "-m", "venv", "--clear", venv], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *wanted()], check=True)
        stamp.write_text("\n".join(wanted()))
    print(f"the tests on CPython {version[0]}.{version[1]}:", flush=True)
    command = [python, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=PACKAGE, env={**os.environ, "PYTHONDEVMODE": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
