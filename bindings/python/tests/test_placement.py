"""The package works in any folder, and is built in the folder that cargo is set to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from directus_realtime import _checkout, _library
from wheels import PROGRAM, build_wheel, run

OWN = ("DIRECTUS_REALTIME_LIBRARY", "PYTHONPATH", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")


def environment(**more: object) -> dict[str, str]:
    """The environment of this process, without the variables that name the library."""
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    return {**kept, **{name: str(value) for name, value in more.items()}}


@pytest.fixture(scope="session")
def shallow(wheel: Path) -> Iterator[Path]:
    """The package, installed near the root of the file system, as in containers."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
        run(*pip, "--no-index", "--no-deps", "--target", place, wheel, env=environment())
        yield place


def test_the_package_works_in_a_folder_near_the_root(shallow: Path, server: Any) -> None:
    package = shallow / "directus_realtime"
    assert len(package.parents) < 4
    output = run(
        sys.executable, "-c", PROGRAM, server.url, cwd="/", env=environment(PYTHONPATH=shallow)
    )
    assert str(package) in output


@pytest.mark.parametrize("place", ["/", "/app", "/var/task", "/opt/python", "/tmp/_MEI123"])
def test_a_missing_library_is_an_import_error_in_any_folder(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(_library.ENVIRONMENT, raising=False)
    module = Path(place) / "directus_realtime" / "_library.py"
    monkeypatch.setattr(_library, "__file__", str(module))
    with pytest.raises(ImportError, match="was not found") as error:
        _library.load()
    assert f"This is {sysconfig.get_platform()}" in str(error.value)
    assert "there are wheels for Linux on x86_64 and aarch64" in str(error.value)


def test_a_program_made_by_pyinstaller_contains_the_library(
    shallow: Path, server: Any, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "PyInstaller", "--onefile", "--log-level", "ERROR"]
    folders = ["--distpath", tmp_path / "dist", "--workpath", tmp_path / "build"]
    options = [*folders, "--specpath", tmp_path, program]
    run(*command, *options, cwd=tmp_path, env=environment(PYTHONPATH=shallow))
    output = run(tmp_path / "dist" / "program", server.url, cwd="/", env=environment())
    assert output.startswith("installed 0.")
    assert "_MEI" in output


def test_the_wheel_is_built_in_the_folder_that_cargo_is_configured_for(tmp_path: Path) -> None:
    # A copy of the checkout, whose dependencies were built before.
    files = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    copy, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    elsewhere.symlink_to(_checkout.target_of(ROOT))
    # The profile of the library's tests, in which the dependencies were built.
    given = environment(SETUPTOOLS_RUST_CARGO_PROFILE="dev")
    package = copy / "bindings" / "python"
    configured = {**given, "CARGO_TARGET_DIR": str(elsewhere)}
    assert build_wheel(tmp_path / "one", package, env=configured).stat().st_size > 100_000
    (copy / ".cargo").mkdir()
    (copy / ".cargo" / "config.toml").write_text(f'[build]\ntarget-dir = "{elsewhere}"\n')
    assert build_wheel(tmp_path / "two", package, env=given).stat().st_size > 100_000
    assert not (copy / "target").exists()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with an empty crate, in which nothing was built."""
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    root = tmp_path / "checkout"
    (root / "src").mkdir(parents=True)
    (root / "src" / "lib.rs").touch()
    (root / "Cargo.toml").write_text('[package]\nname = "x"\nversion = "0.1.0"\n[workspace]\n')
    (root / "cbindgen.toml").touch()
    module = root / "bindings" / "python" / "src" / "directus_realtime" / "_library.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(_library, "__file__", str(module))
    return root


@pytest.mark.parametrize(
    "way", ["default", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "configuration", "home"]
)
def test_the_library_is_found_in_the_folder_that_cargo_is_configured_for(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    if way == "default":
        elsewhere = checkout / "target"
    elif way.startswith("CARGO"):
        monkeypatch.setenv(way, str(elsewhere))
    else:
        folder = checkout / ".cargo" if way == "configuration" else tmp_path / "home"
        folder.mkdir()
        (folder / "config.toml").write_text(f'[build]\ntarget-dir = "{elsewhere}"\n')
    assert _checkout.root_of(checkout / "bindings" / "python" / "src" / "x") == checkout
    assert _checkout.target_of(checkout) == elsewhere
    built = elsewhere / "debug" / _library._NAME
    built.parent.mkdir(parents=True)
    built.touch()
    assert _library.path_of_library() == built


def test_without_cargo_the_library_is_searched_in_the_default_folder(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", "/nowhere")
    monkeypatch.setenv("CARGO", "/no/such/cargo")
    assert _checkout.target_of(checkout) == checkout / "target"
    with pytest.raises(subprocess.CalledProcessError):
        (checkout / "Cargo.toml").write_text("broken")
        monkeypatch.delenv("CARGO")
        _checkout._ask_cargo(checkout)
