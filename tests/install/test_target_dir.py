"""Everything that make builds, where cargo builds elsewhere than in target/."""

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
        # cargo finds there what it has built: nothing is built again.
        self.elsewhere.mkdir()
        release = build_dir() / "release"
        succeeds(["cp", "-a", release, self.elsewhere])
        for name in ("libdirectus_realtime.so", "libdirectus_realtime.so.0"):
            (self.elsewhere / "release" / name).unlink()
        # What goes before a configuration.
        variables = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR")
        self.env = {name: value for name, value in os.environ.items() if name not in variables}

    def assert_builds_elsewhere(self):
        def make(*words):
            return succeeds(["make", *words], cwd=ROOT, env=self.env)

        library = self.elsewhere / "release" / "libdirectus_realtime.so"
        make("examples")
        self.assertTrue(library.exists())
        for name in ("tail", "chat", "cpp/chat"):
            loaded = succeeds(["ldd", self.elsewhere / "examples" / name])
            path = next(line for line in loaded.splitlines() if "libdirectus_realtime" in line)
            self.assertEqual(os.path.realpath(path.split()[2]), str(library))
        prefix = self.folder / "prefix"
        make("install", f"PREFIX={prefix}", "LDCONFIG=true")
        installed = (prefix / "lib" / "libdirectus_realtime.so").read_bytes()
        self.assertEqual(installed, library.read_bytes())
        # What the suites, the demo and `make play` run with.
        for target in ("test-python", "test-node", "test-docs", "test-examples"):
            self.assertIn(f"DIRECTUS_REALTIME_LIBRARY={library}", make("-n", target))
        paths = [sys.executable, "-c", ASK_PATHS]
        said = succeeds(paths, cwd=ROOT / "tests" / "directus", env=self.env)
        self.assertEqual(said.strip(), str(library))

    def test_by_the_environment(self):
        self.env["CARGO_TARGET_DIR"] = str(self.elsewhere)
        self.assert_builds_elsewhere()

    def test_by_the_configuration_of_cargo(self):
        usual = Path(self.env.get("CARGO_HOME", Path.home() / ".cargo"))
        home = self.folder / "cargo-home"
        home.mkdir()
        for name in ("registry", "git"):
            if (usual / name).exists():
                (home / name).symlink_to(usual / name)
        config = usual / "config.toml"
        more = config.read_text() if config.exists() else ""
        (home / "config.toml").write_text(f'build.target-dir = "{self.elsewhere}"\n{more}')
        self.env["CARGO_HOME"] = str(home)
        self.assert_builds_elsewhere()


if __name__ == "__main__":
    unittest.main()
