"""The library on Windows, in wine: built for the test, because there are no packages for it yet."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from following import assert_follows, server
from packages import BARE, CACHE, ROOT, TOOLS, succeeds

TRIPLE = "x86_64-pc-windows-gnu"
SOURCES = Path(__file__).resolve().parent / "windows"
BUILD = ROOT / "target" / "dist-build"
BUILT = BUILD / TRIPLE / "debug"


def has_standard_library():
    folder = succeeds(["rustc", "--print", "target-libdir", "--target", TRIPLE], env=os.environ)
    return Path(folder.strip()).is_dir()


@unittest.skipUnless(shutil.which("wine"), "wine is not installed")
@unittest.skipUnless(has_standard_library(), f"Rust's standard library for {TRIPLE} is missing")
class Windows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="drt-windows-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        path = f"{TOOLS}:{os.environ['PATH']}"
        build = ["cargo", "zigbuild", "--lib", "--locked", "--target", TRIPLE]
        command = [*build, "--target-dir", BUILD]
        succeeds(command, timeout=1800, env={**os.environ, "PATH": path}, cwd=ROOT)
        shutil.copy(BUILT / "directus_realtime.dll", cls.folder)
        cls.environment = {
            **BARE,
            "HOME": str(cls.folder),
            "WINEPREFIX": str(cls.folder / "wine"),
            "WINEDEBUG": "-all",
            "ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"),
        }
        shim = SOURCES / "bcryptprimitives.c"
        cls.compile(shim, "bcryptprimitives.dll", "-shared", "-ladvapi32")
        cls.addClassCleanup(cls.end_wine)
        # Makes its folder, which takes longer than a program may.
        succeeds(["wine", "cmd", "/c", "exit"], env=cls.environment)

    @classmethod
    def end_wine(cls):
        for action in ("-k", "-w"):
            subprocess.run(["/usr/lib/wine/wineserver", action], env=cls.environment, check=False)

    @classmethod
    def compile(cls, source, name, *flags):
        library = BUILT / "libdirectus_realtime.dll.a"
        zig = [TOOLS / "python", "-m", "ziglang", "cc", "-O2", "-target", "x86_64-windows-gnu"]
        command = [*zig, f"-I{ROOT / 'include'}", source, library, "-o", cls.folder / name, *flags]
        succeeds(command, env=cls.environment)
        return cls.folder / name

    def test_select_waits_for_the_descriptor_of_poll_delivery(self):
        program = self.compile(SOURCES / "poll.c", "poll.exe", "-lws2_32")
        with server() as followed:
            assert_follows(["wine", program, followed.url], self.environment, ends=True)


if __name__ == "__main__":
    unittest.main()
