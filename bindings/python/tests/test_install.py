"""The wheel: built from the checkout, installed where there is no Rust, on the oldest
and the newest Python that this machine has."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

PACKAGE = ROOT / "bindings" / "python"
PROGRAM = """
import asyncio, sys, directus_realtime as dr
from directus_realtime import aio
with dr.Client(sys.argv[1], access_token="admin-static-token") as client:
    client.subscribe("posts", lambda event: None).wait(30)
async def main():
    async with aio.Client(sys.argv[1], access_token="admin-static-token") as client:
        await (await client.subscribe("posts")).wait(30)
asyncio.run(main())
print("installed", dr.__version__, dr.__file__)
"""


def run(*command: object, **more: Any) -> str:
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=900, **more
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `pip install ./bindings/python` does it, with the tools that are here."""
    into = tmp_path_factory.mktemp("wheel")
    lock = ROOT / "target" / "python" / "wheel.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel"]
        run(*pip, "--no-build-isolation", "--no-deps", "-w", into, PACKAGE)
    (built,) = into.glob("*.whl")
    return built


def interpreters() -> list[Path]:
    """This Python, and of the others from 3.9 on the oldest and the newest."""
    others = dict(sorted(found()))
    edges = [others[version] for version in sorted({*list(others)[:1], *list(others)[-1:]})]
    return [Path(sys.executable), *edges]


def found() -> Iterator[tuple[tuple[int, ...], Path]]:
    """What else there is, each version once."""
    places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep)]
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = Path(run(pyenv, "root").strip())
        places += sorted(root.glob("versions/*/bin"))
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


def test_the_wheel_is_for_this_platform_and_every_python(wheel: Path) -> None:
    assert wheel.name.split("-")[2:4] == ["py3", "none"]
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert len([name for name in names if "_native" in name]) == 1
    assert "directus_realtime/py.typed" in names
    assert "directus_realtime/aio/__init__.py" in names
    assert "Requires-Dist" not in metadata


def test_it_works_on_old_and_new_pythons_without_rust(
    wheel: Path, server: Any, tmp_path: Path
) -> None:
    tested = []
    for number, interpreter in enumerate(interpreters()):
        venv = tmp_path / str(number)
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        run(interpreter, "-m", "venv", venv, env=environment)
        python = venv / "bin" / "python"
        install = ["-m", "pip", "--disable-pip-version-check", "install", "--no-index", wheel]
        run(python, *install, env=environment)
        strict = [python, "-X", "dev", "-W", "error"]
        output = run(*strict, "-c", PROGRAM, server.url, env=environment, cwd=tmp_path)
        assert output.startswith("installed 0.")
        assert str(venv) in output
        script = run(venv / "bin" / "directus-realtime", "--version", env=environment)
        assert script.startswith("0.")
        tested.append(run(python, "--version").strip())
    print(f"tested with {', '.join(tested)}")
    assert tested
