"""Builds the Rust library of this checkout into the wheel; see pyproject.toml."""

import json
import os
import re
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools_rust import Binding, RustExtension, Strip

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "Cargo.toml"
if not MANIFEST.exists():
    raise SystemExit(
        "this package builds from a checkout of directus-realtime, with its Cargo.toml"
    )
VERSION = re.search(r'^version = "(.*)"', MANIFEST.read_text(), re.MULTILINE).group(1)


def target_folder():
    """Where cargo builds: CARGO_TARGET_DIR and its configuration may move it."""
    cargo = os.environ.get("CARGO") or "cargo"
    command = [cargo, "metadata", "--format-version", "1", "--no-deps"]
    try:
        answer = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    except (OSError, subprocess.CalledProcessError):
        # Whatever needs cargo says so.
        return ROOT / "target"
    return Path(json.loads(answer.stdout)["target_directory"])


class PlatformWheel(bdist_wheel):
    """A wheel for every Python of this platform: the library is loaded by ctypes."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(
    version=VERSION,
    options={"build": {"build_base": str(target_folder() / "python" / "build")}},
    package_dir={"": "src"},
    cmdclass={"bdist_wheel": PlatformWheel},
    rust_extensions=[
        RustExtension(
            "directus_realtime._native",
            path=str(MANIFEST),
            binding=Binding.NoBinding,
            debug=False,
            strip=Strip.All,
        )
    ],
)
