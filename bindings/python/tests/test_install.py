"""The wheel: built from the checkout, and installed without Rust, on the oldest and the
newest Python of this machine."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from directus_realtime import _library
from interpreters import found
from wheels import PACKAGE, PROGRAM, run, wheel_lock


def interpreters() -> list[Path]:
    """This Python, and the oldest and the newest of the others from 3.9 on."""
    others = dict(sorted(found()))
    edges = [others[version] for version in sorted({*list(others)[:1], *list(others)[-1:]})]
    return [Path(sys.executable), *edges]


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
    assert "Author: the directus-realtime authors" in metadata
    assert "Project-URL: " in metadata
    assert "Programming Language :: Python :: 3.13" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert (PACKAGE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_wheel_works_on_old_and_new_pythons_without_rust(
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
    if len(tested) == 1:
        pytest.skip(f"no other Python from 3.9 on was found: tested with {tested[0]} only")


def test_an_editable_install_works(server: Any, tmp_path: Path) -> None:
    sources = PACKAGE / "src" / "directus_realtime"
    before = set(sources.glob("_native*"))
    environment = dict(os.environ)
    for name in ("DIRECTUS_REALTIME_LIBRARY", "PYTHONPATH"):
        environment.pop(name, None)
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv)
    python = venv / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install"]
    # The build tools are in the environment of the tests.
    tools = {**environment, "PYTHONPATH": str(Path(pytest.__file__).parents[1])}
    try:
        with wheel_lock():
            run(*pip, "--no-build-isolation", "--no-deps", "-e", PACKAGE, env=tools)
        output = run(python, "-c", PROGRAM, server.url, env=environment, cwd=tmp_path)
        assert str(sources) in output
    finally:
        # Removes the library that the install has put among the sources.
        for path in set(sources.glob("_native*")) - before:
            path.unlink()


def test_a_checkout_loads_the_library_that_was_built_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(_library.ENVIRONMENT, raising=False)
    module = tmp_path / "bindings" / "python" / "src" / "directus_realtime" / "_library.py"
    carried = module.with_name("_native.abi3.so")
    built = tmp_path / "target" / "release" / "libdirectus_realtime.so"
    for path in (module, carried, built):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(_library, "__file__", str(module))
    # An unpacked wheel has no other library.
    assert list(_library._candidates()) == [carried]
    (tmp_path / "cbindgen.toml").touch()
    for newer, older in ((carried, built), (built, carried)):
        os.utime(older, (1, 1))
        os.utime(newer, (2, 2))
        assert list(_library._candidates()) == [newer, older]
