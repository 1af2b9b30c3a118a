"""Programs and libraries of different versions, as docs/abi-policy.md promises.

Today's library is the one of this checkout, tomorrow's has new members in every struct.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(HERE))

import tomorrow  # noqa: E402
from paths import shared_library  # noqa: E402
from rest import ADMIN  # noqa: E402
from server import Server  # noqa: E402

SONAME = "libdirectus_realtime.so.0"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
# Programs that need no server, and pass no unknown members.
HARNESS = ["callbacks.c", "poll.c", "releases.c", "threads.c"]


def succeeds(test, command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    test.assertEqual(done.returncode, 0, f"{command}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Ages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="drt-ages-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.today = cls.folder / "today"
        cls.tomorrow = cls.folder / "tomorrow"
        for place in (cls.today, cls.tomorrow):
            place.mkdir()
        shutil.copy(shared_library(), cls.today / SONAME)
        cache = ROOT / "target" / "tomorrow"
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.copy(tomorrow.build(cache), cls.tomorrow / SONAME)
        for place in (cls.today, cls.tomorrow):
            (place / "libdirectus_realtime.so").symlink_to(SONAME)
        (cls.tomorrow / "directus_realtime.h").write_text(tomorrow.header())
        cls.yesterday = cls.folder / "yesterday"
        cls.yesterday.mkdir()
        shutil.copy(HERE / "directus_realtime_0_1.h", cls.yesterday / "directus_realtime.h")
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)

    def compile(self, source, include, name):
        """Compiles a program with a header, and links it with today's library."""
        program = self.folder / name
        flags = ["-std=c11", "-g", "-O1", "-D_POSIX_C_SOURCE=200809L", "-pthread"]
        command = [os.environ.get("CC", "cc"), *WARNINGS, *flags, source, "-o", program]
        command += ["-I", include, "-L", self.today, "-ldirectus_realtime"]
        # Today's initialisers do not set the members that only tomorrow's header has.
        command.append("-Wno-missing-field-initializers")
        succeeds(self, command)
        return program

    def run_with(self, library, program, *arguments):
        return succeeds(
            self, [program, *arguments], env={**os.environ, "LD_LIBRARY_PATH": str(library)}
        )

    def ages(self, program, library):
        words = self.run_with(library, program, self.server.url, ADMIN, "posts").split()
        return int(words[1]), int(words[3].rstrip(",")), int(words[5]), int(words[7])

    def test_a_program_of_today_runs_with_a_newer_library(self):
        program = self.compile(HERE / "ages.c", ROOT / "include", "ages-today")
        event, seen, info, seen_info = self.ages(program, self.today)
        self.assertEqual((event, info), (seen, seen_info))
        event, seen, info, seen_info = self.ages(program, self.tomorrow)
        self.assertEqual(
            (event + 8, info + 8), (seen, seen_info), "the structs of tomorrow's library are larger"
        )

    def test_a_newer_program_runs_with_the_library_of_today(self):
        program = self.compile(HERE / "ages.c", self.tomorrow, "ages-tomorrow")
        event, seen, info, seen_info = self.ages(program, self.today)
        self.assertEqual((event - 8, info - 8), (seen, seen_info))

    def test_a_program_of_abi_0_1_runs_with_the_library_of_today(self):
        program = self.compile(HERE / "ages.c", self.yesterday, "ages-yesterday")
        event, seen, info, seen_info = self.ages(program, self.today)
        self.assertEqual((event, info), (seen, seen_info), "no struct of 0.1 has grown")
        for name in HARNESS:
            with self.subTest(name):
                source = ROOT / "tests" / "c" / name
                program = self.compile(source, self.yesterday, f"yesterday-{name[:-2]}")
                self.run_with(self.today, program)

    def test_today_s_header_says_everything_that_that_of_abi_0_1_says(self):
        """Declarations, constants and members: each is where it was."""

        def declared(folder):
            program = self.folder / "declared.c"
            program.write_text("#include <directus_realtime.h>\n")
            command = [os.environ.get("CC", "cc"), "-I", folder, "-E", "-P", program]
            text = succeeds(self, command)
            macros = succeeds(self, [*command[:-2], "-dM", program])
            own = [line for line in macros.splitlines() if line.startswith("#define DRT_")]
            own = [line for line in own if "_INIT" not in line]
            text = re.sub(r"\s+", " ", text)
            return {*re.findall(r"[^;{}]+", text), *own}

        changed = {"#define DRT_ABI_VERSION 1"}
        self.assertEqual(declared(self.yesterday) - declared(ROOT / "include"), changed)

    def test_an_older_library_refuses_options_that_it_does_not_know(self):
        program = self.compile(HERE / "ages.c", self.tomorrow, "ages-unknown")
        said = self.run_with(self.today, program, "--unknown")
        self.assertIn("DRT_ERR_INVALID_ARGUMENT: `options` sets something", said)

    def test_the_c_harness_of_today_passes_with_a_newer_library(self):
        for name in HARNESS:
            with self.subTest(name):
                source = ROOT / "tests" / "c" / name
                program = self.compile(source, ROOT / "include", name.replace(".c", ""))
                self.run_with(self.tomorrow, program)


if __name__ == "__main__":
    unittest.main()
