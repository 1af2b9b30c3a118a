"""The other Python interpreters of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def found() -> Iterator[tuple[tuple[int, ...], Path]]:
    """The others from 3.9 on, one for each version."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout
        places += sorted(Path(root.strip()).glob("versions/*/bin"))
    known = {sys.version_info[:2]}
    for place in places:
        for candidate in sorted(place.glob("python3.[0-9]*")):
            if not re.fullmatch(r"python3\.\d+", candidate.name):
                continue
            text = "import sys, venv; print(*sys.version_info[:2])"
            probe = subprocess.run([candidate, "-c", text], capture_output=True, text=True)
            if probe.returncode == 0:
                version = tuple(map(int, probe.stdout.split()))
                if version >= (3, 9) and version not in known:
                    known.add(version)
                    yield version, candidate
