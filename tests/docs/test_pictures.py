"""The pictures of the guides are those that their script draws, and show what there is."""

import re
import sys
import unittest

from blocks import PAGES, ROOT

FOLDER = ROOT / "docs" / "pictures"
sys.path.insert(0, str(FOLDER))

from draw import PICTURES  # noqa: E402


class Pictures(unittest.TestCase):
    def test_the_checked_in_pictures_are_what_the_script_draws(self):
        self.assertEqual({file.stem for file in FOLDER.glob("*.svg")}, set(PICTURES))
        for name, draw in PICTURES.items():
            checked_in = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
            self.assertEqual(checked_in, draw(), f"{name}: run `make pictures`")

    def test_the_picture_of_the_states_has_every_state_of_the_header(self):
        header = (ROOT / "include" / "directus_realtime.h").read_text(encoding="utf-8")
        states = set(re.findall(r"#define DRT_STATE_([A-Z]+) ", header))
        drawn = re.findall(r'<text class="" [^>]*>([A-Z]+)</text>', PICTURES["states"]())
        self.assertEqual(sorted(drawn), sorted(states))

    def test_every_picture_is_shown_by_a_page(self):
        pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
        for name in PICTURES:
            self.assertIn(f"](pictures/{name}.svg)", pages)


if __name__ == "__main__":
    unittest.main()
