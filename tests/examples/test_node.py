"""The Node examples against a real server, with the package as it stands in the checkout."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from stories import Stories  # noqa: E402


class NodeExamples(Stories, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return ["node", str(ROOT / "examples" / "node" / f"{name}.mjs")]


if __name__ == "__main__":
    unittest.main()
