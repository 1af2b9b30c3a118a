"""tests/deps.sh while another apt holds the lock, and where a package is missing."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from commands import ROOT

BUSY = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)"


class Deps(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-deps-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.calls = self.folder / "calls"
        (self.folder / "bin").mkdir()

    def deps(self, failures, words, *args, seconds=60):
        """Runs it with no package installed, and an apt-get that fails so many times."""
        (self.folder / "left").write_text(str(failures))
        bin_ = self.folder / "bin"
        self.program(
            "apt-get",
            f"""left=$(cat {self.folder}/left)
            echo "$@" >>{self.calls}
            [ "$left" -eq 0 ] && exit 0
            echo $((left - 1)) >{self.folder}/left
            echo "{words}" >&2
            exit 100""",
        )
        self.program("sudo", 'exec "$@"')
        for tool in ("env", "id", "grep", "sleep", "mktemp", "rm", "cat"):
            (bin_ / tool).symlink_to(shutil.which(tool))
        return subprocess.run(
            [shutil.which("bash"), ROOT / "tests" / "deps.sh", *args],
            env={"PATH": str(bin_), "APT_LOCK_SECONDS": str(seconds), "APT_LOCK_PAUSE": "0.1"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def program(self, name, text):
        path = self.folder / "bin" / name
        path.write_text(f"#!{shutil.which('bash')}\n{text}\n")
        path.chmod(0o755)

    def test_deps_waits_for_a_busy_apt_lock(self):
        done = self.deps(failures=3, words=BUSY)
        self.assertEqual(done.returncode, 0, done.stderr)
        calls = self.calls.read_text().splitlines()
        self.assertEqual([call.split()[3] for call in calls], ["update"] * 4 + ["install"])
        self.assertTrue(all("DPkg::Lock::Timeout=60" in call for call in calls), calls)
        self.assertIn("apt is busy", done.stdout)
        self.assertIn("4711", done.stdout)

    def test_deps_fails_when_the_apt_lock_stays_busy(self):
        done = self.deps(failures=1000, words=BUSY, seconds=1)
        self.assertEqual(done.returncode, 1)
        self.assertIn(BUSY, done.stderr)

    def test_deps_fails_at_once_on_other_apt_errors(self):
        done = self.deps(failures=1, words="E: Unable to fetch some archives")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Unable to fetch", done.stderr)
        self.assertEqual(len(self.calls.read_text().splitlines()), 1)

    def test_deps_installs_without_the_runtimes_that_the_system_lacks(self):
        self.program(
            "apt-cache",
            """echo "$2:"
            [ "$2" = luajit ] && echo "  Candidate: (none)" || echo "  Candidate: 1.2-3"
            """,
        )
        done = self.deps(0, "", "tests")
        self.assertEqual(done.returncode, 0, done.stderr)
        installed = self.calls.read_text().splitlines()[-1].split()
        self.assertIn("golang-go", installed)
        self.assertNotIn("luajit", installed)
        self.assertIn("the system has no package luajit", done.stdout)


if __name__ == "__main__":
    unittest.main()
