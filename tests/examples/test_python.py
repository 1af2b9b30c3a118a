"""The Python examples against a real server."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "directus"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from stories import Stories  # noqa: E402

PYTHON = ROOT / "target" / "python" / "venv" / "bin" / "python"


class PythonExamples(Stories, unittest.TestCase):
    FEED_TITLE = "Live posts feed"

    def command(self, name):
        return [str(PYTHON), str(ROOT / "examples" / "python" / f"{name}.py")]


if __name__ == "__main__":
    unittest.main()
