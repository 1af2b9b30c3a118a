"""The C++ examples against a real server. Built by `make examples`."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from stories import Stories  # noqa: E402


class CppExamples(Stories, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return [str(ROOT / "target" / "examples" / "cpp" / name)]


if __name__ == "__main__":
    unittest.main()
