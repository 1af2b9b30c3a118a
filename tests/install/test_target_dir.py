"""make uses the library where cargo builds it, also outside of target/."""

import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

from commands import ROOT, succeeds

sys.path.append(str(ROOT / "tests" / "directus"))

from paths import build_dir

ASK_PATHS = "from paths import shared_library; print(shared_library())"


class TargetDir(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-target-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.elsewhere = self.folder / "elsewhere"
        self.library = self.elsewhere / "release" / "libdirectus_realtime.so"
        # These take precedence over a configuration.
        variables = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
        self.env = {name: value for name, value in os.environ.items() if name not in variables}

    def make(self, checkout, *words):
        return succeeds(["make", *words], cwd=checkout, env=self.env)

    def assert_targets_use_it(self, checkout):
        """The test suites, the demo and `make play` use the library of that directory."""
        for target in ("test-python", "test-node", "test-docs", "test-examples"):
            said = self.make(checkout, "-n", target)
            self.assertIn(f"DIRECTUS_REALTIME_LIBRARY={self.library}", said)
        said = self.make(checkout, "-n", "examples", "install")
        self.assertIn(f"-L{self.library.parent}", said)
        self.assertIn(f'BUILD="{self.elsewhere}"', said)
        self.assertNotIn("target/release", said.replace(str(self.library.parent), ""))
        paths = [sys.executable, "-c", ASK_PATHS]
        said = succeeds(paths, cwd=checkout / "tests" / "directus", env=self.env)
        self.assertEqual(said.strip(), str(self.library))

    def test_make_follows_the_target_dir_of_the_environment(self):
        # A copy of what cargo has built, so that nothing is built again.
        self.elsewhere.mkdir()
        succeeds(["cp", "-a", build_dir() / "release", self.elsewhere])
        self.library.unlink()
        self.env["CARGO_TARGET_DIR"] = str(self.elsewhere)
        self.assert_targets_use_it(ROOT)
        programs = [self.elsewhere / "examples" / name for name in ("tail", "cpp/feed")]
        self.make(ROOT, "CFLAGS=-O0", *programs)
        for program in programs:
            loaded = succeeds(["ldd", program])
            path = next(line for line in loaded.splitlines() if "libdirectus_realtime" in line)
            self.assertEqual(os.path.realpath(path.split()[2]), str(self.library))
        prefix = self.folder / "prefix"
        self.make(ROOT, "install", f"PREFIX={prefix}", "LDCONFIG=true")
        installed = (prefix / "lib" / "libdirectus_realtime.so").read_bytes()
        self.assertEqual(installed, self.library.read_bytes())

    def test_make_follows_the_target_dir_of_cargos_configuration(self):
        checkout = self.folder / "checkout"
        big = shutil.ignore_patterns("target", "node_modules", ".git")
        shutil.copytree(ROOT, checkout, ignore=big, symlinks=True)
        (checkout / ".cargo").mkdir(exist_ok=True)
        (checkout / ".cargo" / "config.toml").write_text("[build]\ntarget-dir = '../elsewhere'\n")
        self.assert_targets_use_it(checkout)


if __name__ == "__main__":
    unittest.main()
