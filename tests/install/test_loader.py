"""The loader's cache after `make install`: refreshed where that is allowed, or else said."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

from commands import make_install

SONAME = "libdirectus_realtime.so.0"


class Loader(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="drt-loader-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.prefix = self.folder / "prefix"
        self.called = self.folder / "called"

    def ldconfig(self, knows):
        """One that writes down how it was called, and whose cache has these paths."""
        program = self.folder / "ldconfig"
        lines = "".join(f"\\t{SONAME} (libc6,x86-64) => {path}\\n" for path in knows)
        program.write_text(
            f'#!/bin/sh\necho "ldconfig $*" >>{self.called}\n'
            f"[ \"$1\" = -p ] && printf '{lines}'\nexit 0\n"
        )
        program.chmod(0o755)
        return program

    def calls(self):
        return self.called.read_text().splitlines() if self.called.exists() else []

    @unittest.skipIf(os.getuid() != 0, "only root may")
    def test_it_is_refreshed_by_root(self):
        library = self.prefix / "lib" / SONAME
        said = make_install(PREFIX=self.prefix, LDCONFIG=self.ldconfig(knows=[library]))
        self.assertEqual(self.calls(), ["ldconfig ", "ldconfig -p"])
        self.assertNotIn("Run ", said)
        self.assertNotIn("not searched", said)

    @unittest.skipIf(os.getuid() != 0, "only root may")
    def test_a_folder_that_the_loader_does_not_search_is_named(self):
        other = "/usr/lib/x86_64-linux-gnu/libdirectus_realtime.so.0"
        said = make_install(PREFIX=self.prefix, LDCONFIG=self.ldconfig(knows=[other]))
        self.assertIn(f"{self.prefix}/lib is not searched for libraries", said)

    def test_a_staged_package_leaves_it_alone(self):
        stage, ldconfig = self.folder / "stage", self.ldconfig(knows=[])
        said = make_install(PREFIX="/usr", DESTDIR=stage, LDCONFIG=ldconfig)
        self.assertEqual(self.calls(), [])
        self.assertIn("Run ldconfig where this is installed", said)

    def test_where_it_cannot_be_refreshed_that_is_said(self):
        said = make_install(PREFIX=self.prefix, LDCONFIG="false")
        self.assertIn("Run `sudo ldconfig`", said)


if __name__ == "__main__":
    unittest.main()
