"""The wheels and the sdist, installed without Rust and without a compiler."""

import os
import shutil
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from following import assert_follows, server
from packages import (
    BARE,
    NATIVE,
    OUT,
    PLATFORMS,
    TOOLS,
    VERSION,
    made,
    needs,
    readme_program,
    succeeds,
    wheel,
)
from roots import needs_qemu, needs_roots, root

PIP = ["-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
FROM_DIST = ["--no-index", "--find-links"]


class Wheels(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_a_wheel_is_what_its_tag_says(self):
        for name in made():
            with self.subTest(name):
                # auditwheel takes this machine's C library for that of the wheel.
                if name.endswith("-gnu"):
                    said = succeeds([TOOLS / "auditwheel", "show", wheel(name)])
                    self.assertIn(f'"{PLATFORMS[name].wheel_tags[0]}"', said)
                with zipfile.ZipFile(wheel(name)) as archive:
                    (info,) = [n for n in archive.namelist() if n.endswith(".dist-info/WHEEL")]
                    described = archive.read(info).decode()
                self.assertIn("Root-Is-Purelib: false", described)
                for tag in PLATFORMS[name].wheel_tags:
                    self.assertIn(f"Tag: py3-none-{tag}\n", described)

    def test_pip_chooses_the_wheel_of_the_platform(self):
        others = {
            "linux-x64-gnu": ["manylinux_2_28_x86_64", "manylinux2014_x86_64"],
            "linux-x64-musl": ["musllinux_1_2_x86_64"],
            "linux-arm64-gnu": ["manylinux_2_28_aarch64", "manylinux2014_aarch64"],
            "linux-arm64-musl": ["musllinux_1_2_aarch64"],
        }
        for name in made():
            for tag in [*PLATFORMS[name].wheel_tags, others[name][-1]]:
                with self.subTest(tag):
                    into = self.folder / tag
                    options = ["--only-binary=:all:", "--platform", tag, "-d", into]
                    where = [*FROM_DIST, OUT, "directus-realtime"]
                    succeeds([sys.executable, *PIP, "download", *options, *where])
                    self.assertEqual([p.name for p in into.iterdir()], [wheel(name).name])

    @needs(NATIVE)
    def test_the_wheel_works_in_a_fresh_environment(self):
        environment = {**BARE, "PATH": str(self.folder / "venv" / "bin")}
        succeeds([sys.executable, "-m", "venv", self.folder / "venv"])
        python = self.folder / "venv" / "bin" / "python"
        install = [*PIP, "install", *FROM_DIST, OUT, "directus-realtime"]
        succeeds([python, *install], env=environment)
        with server() as followed:
            program = self.folder / "program.py"
            program.write_text(readme_program("python", followed.url))
            assert_follows([python, "-u", program], environment, self.folder)
        script = self.folder / "venv" / "bin" / "directus-realtime"
        self.assertIn(VERSION, succeeds([script, "--version"], env=environment))

    @needs("linux-x64-gnu")
    @needs_roots
    def test_the_wheel_works_on_empty_debians(self):
        for name in ("debian-11", "debian-12"):
            with self.subTest(name), root(name) as system, server() as followed:
                self.assertFalse(any(map(system.has, ("gcc", "cc", "rustc", "cargo"))))
                system.copy(wheel("linux-x64-gnu"), "/dist")
                system.runs("/usr/bin/python3", "-m", "venv", "/venv")
                install = [*PIP, "install", *FROM_DIST, "/dist", "directus-realtime"]
                system.runs("/venv/bin/python", *install)
                program = system.write("program.py", readme_program("python", followed.url))
                assert_follows(system.command("/venv/bin/python", "-u", program))

    @needs("linux-arm64-gnu")
    @needs_roots
    @needs_qemu
    def test_the_wheel_works_on_arm64(self):
        with root("debian-12-arm64") as system, server() as followed:
            into = system.folder / "site"
            # The emulator does not follow pip's own processes, so another pip installs it.
            options = ["--only-binary=:all:", "--platform", "manylinux2014_aarch64"]
            where = [*FROM_DIST, OUT, "--target", into, "directus-realtime"]
            succeeds([sys.executable, *PIP, "install", *options, *where])
            qemu = system.copy(shutil.which("qemu-aarch64-static"), "/emulator")
            program = system.write("program.py", readme_program("python", followed.url))
            command = [qemu, "/usr/bin/python3", "-u", program]
            assert_follows(system.command(*command), {**BARE, "PYTHONPATH": "/site"})


class Sdist(unittest.TestCase):
    def test_the_sdist_builds_outside_of_the_checkout(self):
        folder = Path(tempfile.mkdtemp(prefix="drt-sdist-"))
        self.addCleanup(shutil.rmtree, folder)
        # Not as fast a library as is published, but sooner.
        quick = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0"}
        quick["CARGO_PROFILE_RELEASE_CODEGEN_UNITS"] = "16"
        environment = {**os.environ, **quick, "CARGO_TARGET_DIR": str(folder / "target")}
        environment.pop("DIRECTUS_REALTIME_LIBRARY", None)
        environment.pop("PYTHONPATH", None)
        sdist = OUT / f"directus_realtime-{VERSION}.tar.gz"
        build = ["wheel", "--no-build-isolation", "--no-deps", "-w", folder / "wheels", sdist]
        succeeds([TOOLS / "python", *PIP, *build], env=environment, cwd=folder)
        (built,) = (folder / "wheels").glob("*.whl")
        succeeds([sys.executable, "-m", "venv", folder / "venv"])
        python = folder / "venv" / "bin" / "python"
        succeeds([python, *PIP, "install", "--no-index", built])
        with server() as followed:
            program = folder / "program.py"
            program.write_text(readme_program("python", followed.url))
            assert_follows([python, "-u", program], BARE, folder)


if __name__ == "__main__":
    unittest.main()
