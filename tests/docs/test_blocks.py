"""Mistakes that would leave a block of the pages untested are errors, and so are dead links."""

import re
import tempfile
import unittest
from pathlib import Path

from blocks import PAGES, attributes_of, blocks_of, pattern

LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page(text, recipes=False):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.md"
        file.write_text(text, encoding="utf-8")
        return blocks_of(file, recipes)


def anchors(text):
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


class Blocks(unittest.TestCase):
    def test_a_block_that_cannot_be_run_is_an_error(self):
        for text in ("```java\nx\n```\n", "```\nx\n```\n", "```text\nx\n```\n", "```c\nx\n"):
            with self.subTest(text), self.assertRaises(ValueError):
                page(text)

    def test_an_unknown_attribute_is_an_error(self):
        with self.assertRaises(ValueError):
            attributes_of("<!-- test: inn=client.c -->")

    def test_an_output_belongs_to_the_block_before_it(self):
        code = '<!-- test: in=client.c prints="a b" -->\n```c\n1;\n```\n'
        one, two = page(f"{code}\n```text\nout\n```\n\n```sh\nls\n```\n")
        self.assertEqual((one.line, one.language, one.text, one.output), (2, "c", "1;\n", "out\n"))
        self.assertEqual(one.attributes, {"in": "client.c", "prints": "a b"})
        self.assertEqual((two.language, two.attributes, two.output), ("sh", {}, None))

    def test_a_recipe_is_left_to_the_suite_that_runs_it(self):
        text = "<!-- test: recipe=app.py -->\n```python\n1\n```\n\n```sh\nls\n```\n"
        self.assertEqual([each.language for each in page(text)], ["sh"])
        self.assertEqual([each.language for each in page(text, recipes=True)], ["python"])

    def test_an_output_is_compared_as_a_whole(self):
        expected = pattern('a … c\n…\n{"id":1}\n')
        for same in ('a b c\n{"id":7}\n', 'a  c\nx\ny\n{"id":1}\n'):
            self.assertTrue(re.fullmatch(expected, same), same)
        for other in ('a b\n{"id":7}\n', 'a b c\n{"id":"x"}\n', 'a b c\n{"id":1}\nmore\n'):
            self.assertFalse(re.fullmatch(expected, other), other)

    def test_every_link_of_the_pages_has_a_target(self):
        for each in PAGES:
            prose = FENCED.sub("", each.read_text(encoding="utf-8"))
            for file, anchor in LINK.findall(prose):
                if file.startswith("http"):
                    continue
                target = each.parent / file if file else each
                with self.subTest(page=each.name, link=f"{file}#{anchor}"):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target.read_text(encoding="utf-8")))


if __name__ == "__main__":
    unittest.main()
