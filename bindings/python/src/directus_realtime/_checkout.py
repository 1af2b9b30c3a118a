"""A checkout of the sources that contains the package, and where cargo builds there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

#: How many folders the package is below the root of the checkout.
_DEPTH = 4
#: Cargo's own variables, in order of precedence.
_VARIABLES = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
#: Long enough for cargo to read its configuration.
_SECONDS = 30


def root_of(package: Path) -> Path | None:
    """The root of the checkout that contains a package, if one does."""
    if len(package.parents) < _DEPTH:
        return None
    root = package.parents[_DEPTH - 1]
    return root if (root / "cbindgen.toml").exists() else None


def target_of(root: Path) -> Path:
    """The folder into which cargo builds."""
    if any(os.environ.get(name) for name in _VARIABLES) or _is_configured(root):
        with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError, KeyError):
            return _ask_cargo(root)
    return root / "target"


def _is_configured(root: Path) -> bool:
    """Whether a configuration file that cargo reads in the checkout sets the folder."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for folder in (home, *(parent / ".cargo" for parent in (root, *root.parents))):
        for name in ("config.toml", "config"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if "target-dir" in (folder / name).read_text(encoding="utf-8"):
                    return True
    return False


def _ask_cargo(root: Path) -> Path:
    command = [os.environ.get("CARGO") or "cargo", "metadata", "--format-version", "1"]
    answer = subprocess.run(
        [*command, "--no-deps", "--offline"],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=True,
    )
    return Path(json.loads(answer.stdout)["target_directory"])
