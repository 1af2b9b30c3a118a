"""The archive and the Debian packages for C and C++."""

import re
import shutil
import tarfile
import tempfile
import unittest
from pathlib import Path

from following import assert_follows, server
from packages import (
    BARE,
    CACHE,
    ROOT,
    TOOLS,
    VERSION,
    archive,
    deb,
    made,
    needs,
    readme_program,
    succeeds,
)
from roots import needs_qemu, needs_roots, root

CONSUMER = ROOT / "tests" / "install" / "consumer"
SONAME = "libdirectus_realtime.so.0"
COMPILE = {
    "c": "cc -std=c11 -Wall -Wextra -Werror",
    "cpp": "c++ -std=c++17 -pthread -Wall -Wextra -Werror",
}
ZIG = TOOLS / "python"


def unpack(name, folder):
    """The archive in a folder that it was not made for."""
    with tarfile.open(archive(name)) as packed:
        packed.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    moved = folder / "moved-here"
    unpacked.rename(moved)
    return moved


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-archive-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_an_archive_has_the_files_of_make_install(self):
        for name in made():
            with self.subTest(name), tarfile.open(archive(name)) as packed:
                names = [re.sub(r"^[^/]+/", "", n) for n in packed.getnames()]
                self.assertEqual(
                    {n.split("/")[0] for n in packed.getnames()}, {archive(name).name[:-7]}
                )
                for file in ("include/directus_realtime.h", f"lib/{SONAME}", "LICENSE"):
                    self.assertIn(file, names)
                pc = packed.extractfile(
                    f"{archive(name).name[:-7]}/lib/pkgconfig/directus-realtime.pc"
                )
                self.assertIn(b"prefix=${pcfiledir}/../..\n", pc.read())

    @needs("linux-x64-gnu")
    @needs_roots
    def test_pkg_config_and_cmake_find_a_moved_archive_on_debian_11(self):
        with root("debian-11-compilers") as system, server() as followed:
            unpack("linux-x64-gnu", system.folder / "opt")
            prefix = "/opt/moved-here"
            for language, compile_ in COMPILE.items():
                source = system.write(f"program.{language}", readme_program(language, followed.url))
                for static in ("", "--static"):
                    with self.subTest(language=language, static=static):
                        flags = f"$(pkg-config --cflags --libs {static} directus-realtime)"
                        # Quoted by pkg-config, for a shell that reads it again.
                        build = f'eval "{compile_} {source} -o /root/program {flags}"'
                        remove = f"rm -f '{prefix}'/lib/*.so*;" if static else ""
                        set_path = f"export PKG_CONFIG_PATH='{prefix}/lib/pkgconfig';"
                        system.runs("/bin/sh", "-ec", f"{set_path}{remove}{build}")
                        found = {**BARE, "LD_LIBRARY_PATH": f"{prefix}/lib"}
                        assert_follows(system.command("/root/program"), found)
                shutil.rmtree(system.folder / "opt")
                unpack("linux-x64-gnu", system.folder / "opt")
            shutil.copytree(CONSUMER, system.folder / "root" / "consumer")
            for shared in ("ON", "OFF"):
                with self.subTest(cmake=shared):
                    build = f"/root/build-{shared}"
                    given = [f"-DCMAKE_PREFIX_PATH={prefix}", f"-DBUILD_SHARED_LIBS={shared}"]
                    system.runs("/usr/bin/cmake", "-S", "/root/consumer", "-B", build, *given)
                    system.runs("/usr/bin/cmake", "--build", build)
                    for program in ("c-program", "cpp-program"):
                        said = system.runs(f"{build}/{program}")
                        self.assertIn(f"{VERSION} DRT_ERR_INVALID_ARGUMENT", said)

    def zig(self, target, language, url, *flags):
        """Compiles the README's program for another platform."""
        source = self.folder / f"program.{language}"
        source.write_text(readme_program(language, url))
        program = self.folder / "program"
        compiler = {"c": ["cc", "-std=c11"], "cpp": ["c++", "-std=c++17"]}[language]
        cache = {"ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "HOME": str(self.folder)}
        # Zig's checks at run time, which -O2 turns off, need a newer musl than the library does.
        command = [ZIG, "-m", "ziglang", *compiler, "-O2", "-target", target, source]
        command += ["-o", program]
        succeeds([*command, *flags], env={**BARE, **cache})
        return program

    def flags(self, prefix, static):
        library = "libdirectus_realtime.a" if static else SONAME
        return [f"-I{prefix}/include", prefix / "lib" / library, *(["-lunwind"] if static else [])]

    @needs("linux-x64-musl")
    @unittest.skipUnless(Path("/lib/ld-musl-x86_64.so.1").exists(), "musl is not installed")
    def test_programs_run_with_musl(self):
        prefix = unpack("linux-x64-musl", self.folder / "unpacked")
        for static in (False, True):
            with self.subTest(static=static), server() as followed:
                flags = self.flags(prefix, static)
                kind = "-static" if static else "-dynamic"
                program = self.zig("x86_64-linux-musl", "c", followed.url, kind, *flags)
                command = [program] if static else ["/lib/ld-musl-x86_64.so.1", program]
                assert_follows(command, {**BARE, "LD_LIBRARY_PATH": str(prefix / "lib")})

    @needs("linux-arm64-gnu")
    @needs_roots
    @needs_qemu
    def test_programs_run_on_arm64_with_glibc(self):
        self.runs_on_arm64("linux-arm64-gnu", "aarch64-linux-gnu.2.31", [])

    @needs("linux-arm64-musl")
    @needs_roots
    @needs_qemu
    def test_programs_run_on_arm64_with_musl(self):
        self.runs_on_arm64("linux-arm64-musl", "aarch64-linux-musl", ["/lib/ld-musl-aarch64.so.1"])

    def runs_on_arm64(self, name, target, loader):
        prefix = unpack(name, self.folder / "unpacked")
        with root("debian-12-arm64") as system:
            qemu = system.copy(shutil.which("qemu-aarch64-static"), "/emulator")
            system.copy(prefix / "lib" / SONAME, "/library")
            for static in (False, True):
                with self.subTest(static=static), server() as followed:
                    flags = ["-dynamic", *self.flags(prefix, static)]
                    program = self.zig(target, "c", followed.url, *flags)
                    there = system.copy(program)
                    command = system.command(qemu, *loader, there)
                    assert_follows(command, {**BARE, "LD_LIBRARY_PATH": "/library"})


class Debian(unittest.TestCase):
    @needs("linux-x64-gnu")
    @needs_roots
    def test_the_packages_install_on_debian_11_and_12(self):
        library = deb("libdirectus-realtime0", "linux-x64-gnu")
        development = deb("libdirectus-realtime-dev", "linux-x64-gnu")
        with root("debian-11-compilers") as builder, server() as followed:
            files = [builder.copy(file, "/dist") for file in (library, development)]
            builder.runs("/usr/bin/dpkg", "-i", *files)
            for language, compile_ in COMPILE.items():
                source = builder.write(
                    f"program.{language}", readme_program(language, followed.url)
                )
                flags = "$(pkg-config --cflags --libs directus-realtime)"
                builder.runs("/bin/sh", "-ec", f"{compile_} {source} -o /root/{language} {flags}")
                assert_follows(builder.command(f"/root/{language}"))
            shutil.copytree(CONSUMER, builder.folder / "root" / "consumer")
            for shared in ("ON", "OFF"):
                build = f"/root/build-{shared}"
                where = ["-S", "/root/consumer", "-B", build, f"-DBUILD_SHARED_LIBS={shared}"]
                builder.runs("/usr/bin/cmake", *where)
                builder.runs("/usr/bin/cmake", "--build", build)
                builder.runs(f"{build}/cpp-program")
            program = builder.folder / "root" / "c"
            for name in ("debian-11", "debian-12"):
                with self.subTest(name), root(name) as system:
                    system.runs("/usr/bin/dpkg", "-i", system.copy(library, "/dist"))
                    assert_follows(system.command(system.copy(program)))
                    system.runs("/usr/bin/dpkg", "--purge", "libdirectus-realtime0")
                    left = list((system.folder / "usr" / "lib").rglob("libdirectus*"))
                    self.assertEqual(left, [])

    def test_the_packages_name_what_they_need(self):
        for name in made():
            if not name.endswith("-gnu"):
                continue
            with self.subTest(name):
                file = deb("libdirectus-realtime0", name)
                fields = succeeds(["dpkg-deb", "-f", file, "Depends", "Recommends"])
                self.assertIn("libc6 (>= 2.17)", fields)
                self.assertIn("ca-certificates", fields)


if __name__ == "__main__":
    unittest.main()
