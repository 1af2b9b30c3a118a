"""Doxygen finds everything in include/ documented, and makes pages of it."""

import fcntl
import re
import subprocess
import unittest

from blocks import ROOT
from house import OUT

HTML = OUT / "html"


def exported():
    """The functions, macros and types of the header."""
    header = (ROOT / "include" / "directus_realtime.h").read_text(encoding="utf-8")
    functions = re.findall(r"^[a-z_0-9 ]+[ *](drt_\w+)\(", header, re.MULTILINE)
    macros = re.findall(r"^#define (DRT_\w+) ", header, re.MULTILINE)
    types = re.findall(r"^} (drt_\w+);", header, re.MULTILINE)
    return [*functions, *macros, *types]


class Doxygen(unittest.TestCase):
    def test_every_public_name_is_documented(self):
        OUT.mkdir(parents=True, exist_ok=True)
        # One run at a time, as all write the same pages.
        with open(OUT / "doxygen.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(
                ["doxygen", "docs/Doxyfile"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            pages = "".join(page.read_text(encoding="utf-8") for page in HTML.glob("*.html"))
        names = exported()
        self.assertGreater(len(names), 90)
        self.assertEqual([name for name in names if name not in pages], [])


if __name__ == "__main__":
    unittest.main()
