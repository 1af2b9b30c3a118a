"""Builds the Rust library into the wheel; see pyproject.toml.

An sdist has the library's source in `rust`. DIRECTUS_REALTIME_CARRY names a library to carry
instead of one that is built, and DIRECTUS_REALTIME_TAG the platforms that it is for.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools_rust import Binding, RustExtension, Strip

HERE = Path(__file__).resolve().parent
ROOT = HERE / "rust" if (HERE / "rust").exists() else HERE.parents[1]
CARRIED = os.environ.get("DIRECTUS_REALTIME_CARRY")
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


class PlatformDistribution(Distribution):
    """One with native code, also where that is carried and not built."""

    def has_ext_modules(self):
        return True


class PlatformWheel(bdist_wheel):
    """A wheel for every Python of this platform: the library is loaded by ctypes."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", os.environ.get("DIRECTUS_REALTIME_TAG") or super().get_tag()[2]


class WithLibrary(build_py):
    """The package with the library that was named, under the name by which it is looked for."""

    def run(self):
        super().run()
        if CARRIED:
            shutil.copy(CARRIED, Path(self.build_lib) / "directus_realtime")


class WithRust(sdist):
    """An sdist with the Rust source, as cargo would publish it."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        cargo = os.environ.get("CARGO") or "cargo"
        package = [cargo, "package", "--no-verify", "--allow-dirty", "--quiet"]
        subprocess.run(package, cwd=ROOT, check=True)
        name = f"directus-realtime-{VERSION}"
        with tarfile.open(target_folder() / "package" / f"{name}.crate") as crate:
            crate.extractall(base_dir)
        (Path(base_dir) / name).rename(Path(base_dir) / "rust")


setup(
    version=VERSION,
    # Apart from what is built here: setuptools packs all that lies in the folder.
    options={
        "build": {
            "build_base": str(target_folder() / "python" / ("carried" if CARRIED else "build"))
        }
    },
    distclass=PlatformDistribution,
    package_dir={"": "src"},
    cmdclass={"bdist_wheel": PlatformWheel, "build_py": WithLibrary, "sdist": WithRust},
    rust_extensions=[]
    if CARRIED
    else [
        RustExtension(
            "directus_realtime._native",
            path=str(MANIFEST),
            binding=Binding.NoBinding,
            debug=False,
            strip=Strip.All,
        )
    ],
)
