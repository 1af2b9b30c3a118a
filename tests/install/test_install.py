"""The files that `make install` installs, and programs built with them."""

import os
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "directus")]

from commands import files_below, make_install, succeeds  # noqa: E402
from paths import build_dir  # noqa: E402

VERSION = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
FILES = {
    "include/directus_realtime.h",
    "include/directus_realtime.hpp",
    "include/directus_realtime.cdef",
    "lib/libdirectus_realtime.a",
    "lib/libdirectus_realtime.so",
    "lib/libdirectus_realtime.so.0",
    f"lib/libdirectus_realtime.so.{VERSION}",
    "lib/pkgconfig/directus-realtime.pc",
    "share/cmake/directus-realtime/directus-realtime-config.cmake",
    "share/cmake/directus-realtime/directus-realtime-config-version.cmake",
    "share/cmake/directus-realtime/directus-realtime-targets.cmake",
}
OUTPUT = f"{VERSION} DRT_ERR_INVALID_ARGUMENT"


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="drt-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        make_install(PREFIX=cls.prefix)
        # Outside of this checkout.
        cls.consumer = cls.folder / "consumer"
        shutil.copytree(HERE / "consumer", cls.consumer)
        # Without a shared library, linkers take the static one.
        cls.static = cls.folder / "static"
        shutil.copytree(cls.prefix, cls.static, symlinks=True)
        for path in (cls.static / "lib").glob("*.so*"):
            path.unlink()
        pc = cls.static / "lib" / "pkgconfig" / "directus-realtime.pc"
        pc.write_text(pc.read_text().replace(str(cls.prefix), str(cls.static)))

    def pkg_config(self, prefix, *options):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
        said = succeeds(["pkg-config", *options, "directus-realtime"], env=environment)
        return said.split()

    def compile(self, name, *flags):
        source = self.consumer / ("main.c" if name.startswith("c-") else "main.cpp")
        compiler = ["cc", "-std=c11"] if name.startswith("c-") else ["c++", "-std=c++17"]
        program = self.folder / name
        command = [*compiler, "-Wall", "-Wextra", "-Werror", source, "-o", program, *flags]
        succeeds(command, cwd=self.folder)
        return program

    def assert_runs(self, program, libraries=None):
        environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
        if libraries:
            environment["LD_LIBRARY_PATH"] = str(libraries)
        self.assertIn(OUTPUT, succeeds([program], env=environment, cwd=self.folder))
        needed = succeeds(["readelf", "-dW", program])
        self.assertEqual("libdirectus_realtime.so.0" in needed, libraries is not None, needed)

    def cmake(self, name, **settings):
        build = self.folder / name
        given = [f"-D{key}={value}" for key, value in settings.items()]
        succeeds(["cmake", "-S", self.consumer, "-B", build, "-DCMAKE_BUILD_TYPE=Release", *given])
        succeeds(["cmake", "--build", build])
        return build

    def test_install_puts_every_file_in_its_place(self):
        self.assertEqual(files_below(self.prefix), FILES)
        library = self.prefix / "lib" / "libdirectus_realtime.so"
        self.assertEqual(library.resolve().name, f"libdirectus_realtime.so.{VERSION}")
        dynamic = succeeds(["readelf", "-dW", library])
        self.assertIn("soname: [libdirectus_realtime.so.0]", dynamic)
        # Slim images do not have it.
        self.assertNotIn("libgcc_s", dynamic)
        for name in ("directus_realtime.h", "directus_realtime.hpp", "directus_realtime.cdef"):
            ours, theirs = ROOT / "include" / name, self.prefix / "include" / name
            self.assertEqual(ours.read_bytes(), theirs.read_bytes())

    def test_make_install_and_cargo_c_install_the_same(self):
        theirs = self.folder / "cargo-c"
        where = ["--prefix", str(theirs), "--libdir", str(theirs / "lib")]
        target = ["--target-dir", str(build_dir() / "capi")]
        # The profile changes only the library, whose contents are not compared here.
        build = ["--profile", "dev", "--locked", *target]
        succeeds([os.environ["CARGO_CINSTALL"], "cinstall", *build, *where], cwd=ROOT)

        def tree(prefix):
            """For each file: the words of a text, the target of a link, the mode of a library."""
            found = {}
            for name in files_below(prefix):
                path = prefix / name
                if path.is_symlink():
                    found[name] = os.readlink(path)
                elif path.suffix in (".a", f".{VERSION.rpartition('.')[2]}"):
                    found[name] = oct(path.stat().st_mode)
                else:
                    found[name] = path.read_text().replace(str(prefix), "/prefix").split()
            return found

        self.assertEqual(tree(self.prefix), tree(theirs))
        for facts in (["readelf", "-dW"], ["nm", "-D", "--defined-only", "--format=just-symbols"]):
            said = [
                succeeds([*facts, prefix / "lib" / "libdirectus_realtime.so"])
                for prefix in (self.prefix, theirs)
            ]
            lines = [
                {line for line in each.splitlines() if "drt_" in line or "soname" in line}
                for each in said
            ]
            self.assertTrue(lines[0])
            self.assertFalse([each for each in said if "libgcc_s" in each])
            self.assertEqual(
                *[{re.sub("0x[0-9a-f]+", "", line) for line in each} for each in lines]
            )

    def test_a_staged_package_does_not_contain_destdir(self):
        stage = self.folder / "stage"
        make_install(PREFIX="/usr", DESTDIR=stage, LIBDIR="/usr/lib/somewhere")
        moved = {name.replace("lib/", "lib/somewhere/", 1) for name in FILES}
        self.assertEqual(files_below(stage / "usr"), moved)
        pc = (stage / "usr/lib/somewhere/pkgconfig/directus-realtime.pc").read_text()
        self.assertNotIn(str(stage), pc)
        self.assertIn("libdir=${prefix}/lib/somewhere", pc)

    def test_pkg_config_links_the_shared_library(self):
        flags = self.pkg_config(self.prefix, "--cflags", "--libs")
        self.assertNotIn("-lpthread", flags, "the shared library links what it needs itself")
        for name in ("c-pkg-config", "cpp-pkg-config"):
            self.assert_runs(self.compile(name, *flags), self.prefix / "lib")

    def test_pkg_config_links_the_static_library(self):
        flags = self.pkg_config(self.static, "--static", "--cflags", "--libs")
        for name in ("c-pkg-config-static", "cpp-pkg-config-static"):
            self.assert_runs(self.compile(name, *flags))

    def test_pkg_config_reports_the_version(self):
        self.assertEqual(self.pkg_config(self.prefix, "--modversion"), [VERSION])

    def test_a_compiler_links_the_library_without_pkg_config(self):
        include, lib = f"-I{self.prefix}/include", f"-L{self.prefix}/lib"
        program = self.compile("c-plain", include, lib, "-ldirectus_realtime")
        self.assert_runs(program, self.prefix / "lib")

    def test_cmake_finds_the_shared_library(self):
        build = self.cmake("cmake", CMAKE_PREFIX_PATH=self.prefix, WANTED=VERSION)
        for name in ("c-program", "cpp-program"):
            self.assert_runs(build / name, self.prefix / "lib")

    def test_cmake_finds_the_static_library(self):
        build = self.cmake("cmake-static", CMAKE_PREFIX_PATH=self.prefix, BUILD_SHARED_LIBS="OFF")
        for name in ("c-program", "cpp-program"):
            self.assert_runs(build / name)

    def test_cmake_refuses_another_major_version_and_a_later_minor_one(self):
        major, minor, _ = (int(part) for part in VERSION.split("."))
        for wanted in (f"{major + 1}.0", f"{major}.{minor + 1}"):
            with self.assertRaisesRegex(AssertionError, "compatible"):
                self.cmake("refused", CMAKE_PREFIX_PATH=self.prefix, WANTED=wanted)

    def test_cmake_builds_the_library_from_source(self):
        settings = {"DIRECTUS_REALTIME_TARGET_DIR": build_dir()}
        build = self.cmake("from-source", SOURCE=ROOT, **settings)
        for name in ("c-program", "cpp-program"):
            self.assert_runs(build / name, build_dir() / "release")
        build = self.cmake("from-source-static", SOURCE=ROOT, BUILD_SHARED_LIBS="OFF", **settings)
        for name in ("c-program", "cpp-program"):
            self.assert_runs(build / name)
            # Not cargo's archive, which collides with other libraries in Rust.
            linked = (build / "CMakeFiles" / f"{name}.dir" / "link.txt").read_text()
            self.assertIn("release/static/libdirectus_realtime.a", linked)


if __name__ == "__main__":
    unittest.main()
