"""The static library beside another library in Rust."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from commands import ROOT, files_below, make_install, succeeds

sys.path.append(str(ROOT / "tests" / "directus"))

from paths import build_dir

SOURCES = Path(__file__).resolve().parent / "static"
SCRIPT = ROOT / "bindings" / "c" / "static-library.sh"
SYSTEM = ("-lpthread", "-lm", "-ldl")
C_FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror")


def symbols(file):
    """Pairs of a binding and a name: those that are defined, and those that are not."""
    defined, undefined = set(), set()
    said = subprocess.run(["readelf", "-sW", file], capture_output=True, text=True, check=True)
    for line in said.stdout.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[4] in ("GLOBAL", "WEAK", "UNIQUE"):
            (undefined if fields[6] == "UND" else defined).add((fields[4], fields[7]))
    return defined, undefined


def rust_library(name, folder, *flags):
    archive = folder / f"lib{name}.a"
    kind = ["--edition", "2024", "--crate-type", "staticlib", "-O", *flags]
    succeeds(["rustc", *kind, SOURCES / f"{name}.rs", "-o", archive], cwd=ROOT)
    return archive


class Static(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="drt-static-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_install(PREFIX=cls.folder / "prefix", LDCONFIG="true")
        cls.library = cls.folder / "prefix" / "lib" / "libdirectus_realtime.a"
        cls.raw = build_dir() / "release" / "libdirectus_realtime.a"

    def test_only_the_functions_of_the_header_are_global(self):
        exported, _ = symbols(self.raw.with_suffix(".so"))
        functions = {("GLOBAL", name) for _, name in exported if name.startswith("drt_")}
        self.assertIn(("GLOBAL", "drt_client_new"), functions)
        self.assertEqual(symbols(self.library)[0], functions)

    def test_what_it_needs_of_the_system_stays_as_it_was(self):
        _, undefined = symbols(self.library)
        self.assertIn(("GLOBAL", "_Unwind_RaiseException"), undefined)
        self.assertIn(("WEAK", "__cxa_thread_atexit_impl"), undefined)
        # A weak reference that became strong would need a newer C library.
        self.assertEqual(undefined - symbols(self.raw)[1], set())

    def test_a_program_links_another_rust_library_as_well(self):
        with socket.socket() as closed:
            # Bound, so that no other process listens there.
            closed.bind(("127.0.0.1", 0))
            url = f"ws://127.0.0.1:{closed.getsockname()[1]}/websocket"
            for lto in ("fat", "off"):
                for panic in ("unwind", "abort"):
                    flags = ("-C", f"lto={lto}", "-C", f"panic={panic}")
                    other = rust_library("other", self.folder, *flags)
                    for order in ((self.library, other), (other, self.library)):
                        names = [path.name for path in order]
                        with self.subTest(lto=lto, panic=panic, order=names):
                            self.assert_both_work(order, url)

    def assert_both_work(self, archives, url):
        program = self.folder / "both"
        include = ROOT / "include"
        main = [*C_FLAGS, "-I", include, SOURCES / "main.c", "-o", program]
        succeeds(["cc", *main, *archives, *SYSTEM])
        done = subprocess.run([program, url], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "DRT_ERR_IO 42 42\n"), done)
        stack = [
            line
            for line in succeeds(["readelf", "-lW", program]).splitlines()
            if "GNU_STACK" in line
        ]
        self.assertEqual(len(stack), 1)
        self.assertNotIn("RWE", stack[0])

    def test_panics_are_caught_in_a_library_made_so(self):
        ours = rust_library("panics", self.folder, "-C", "lto=fat")
        succeeds([SCRIPT, ours, ours])
        self.assertEqual(symbols(ours)[0], {("GLOBAL", "drt_panics")})
        other = rust_library("other", self.folder, "-C", "lto=fat")
        for archives in ((ours, other), (other, ours)):
            program = self.folder / "panics"
            succeeds(["cc", *C_FLAGS, SOURCES / "panics.c", "-o", program, *archives, *SYSTEM])
            done = subprocess.run([program], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (0, "2 42\n"), done)
            self.assertIn("index out of bounds", done.stderr)

    def test_the_unwinding_tables_are_kept(self):
        sections = succeeds(["readelf", "-SW", self.library])
        for name in (".eh_frame", ".gcc_except_table", ".init_array"):
            self.assertIn(f" {name}", sections)
        relocations = succeeds(["readelf", "-rW", self.library])
        frames = relocations.split("'.rela.eh_frame'")[1].split("Relocation section")[0]
        self.assertIn("rust_eh_personality", frames)

    def test_make_lib_builds_what_make_install_installs(self):
        succeeds(["make", "--no-print-directory", "lib"], cwd=ROOT)
        built = build_dir() / "release" / "static" / "libdirectus_realtime.a"
        self.assertEqual(built.read_bytes(), self.library.read_bytes())

    def test_nothing_is_installed_where_binutils_fail(self):
        for tool in ("LD", "OBJCOPY", "READELF", "AR"):
            with self.subTest(tool=tool):
                prefix = self.folder / f"without-{tool}"
                environment = {**os.environ, tool: "false"}
                command = [ROOT / "bindings" / "c" / "install.sh"]
                environment |= {
                    "BUILD": str(build_dir()),
                    "PREFIX": str(prefix),
                    "LIBDIR": str(prefix / "lib"),
                    "DESTDIR": "",
                    "LDCONFIG": "true",
                }
                done = subprocess.run(command, env=environment, capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("libdirectus_realtime.a is not made: false", done.stderr)
                self.assertEqual(files_below(prefix), set())


if __name__ == "__main__":
    unittest.main()
