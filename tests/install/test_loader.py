"""`make install` refreshes the loader's cache, or reports that it could not."""

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
        """An ldconfig that records its calls, and whose cache has these paths."""
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

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_install_as_root_refreshes_the_loader_cache(self):
        library = self.prefix / "lib" / SONAME
        said = make_install(PREFIX=self.prefix, LDCONFIG=self.ldconfig(knows=[library]))
        self.assertEqual(self.calls(), ["ldconfig ", "ldconfig -p"])
        self.assertNotIn("Run ", said)
        self.assertNotIn("not searched", said)

    @unittest.skipIf(os.getuid() != 0, "needs root")
    def test_install_names_a_folder_that_the_loader_does_not_search(self):
        other = "/usr/lib/x86_64-linux-gnu/libdirectus_realtime.so.0"
        said = make_install(PREFIX=self.prefix, LDCONFIG=self.ldconfig(knows=[other]))
        self.assertIn(f"{self.prefix}/lib is not searched for libraries", said)

    def test_a_staged_install_does_not_refresh_the_loader_cache(self):
        stage, ldconfig = self.folder / "stage", self.ldconfig(knows=[])
        said = make_install(PREFIX="/usr", DESTDIR=stage, LDCONFIG=ldconfig)
        self.assertEqual(self.calls(), [])
        self.assertIn("Run ldconfig where this is installed", said)

    def test_install_reports_a_loader_cache_that_was_not_refreshed(self):
        said = make_install(PREFIX=self.prefix, LDCONFIG="false")
        self.assertIn("Run `sudo ldconfig`", said)


if __name__ == "__main__":
    unittest.main()
