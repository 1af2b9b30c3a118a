"""Every block of the pages is compiled, run, and says what the page says that it says."""

import re
import sys
import unittest

import story
from blocks import PAGES, blocks_of, pattern
from house import build, folder, is_installed, node, real, run
from pythons import need


def command_of(block, name):
    """The command that runs a block. Writes its file for later blocks of the page."""
    if block.language == "sh":
        return ["bash", "-eu", "-c", real(block.text)]
    if block.language == "js":
        return node(name, real(block.text))
    if file := block.attributes.get("file"):
        (folder() / file).write_text(real(block.source), encoding="utf-8")
    attributes = block.attributes
    libraries, flags = attributes.get("libs"), attributes.get("flags", "")
    return [build(name, block.language, block.source, libraries, flags)]


class Pages(unittest.TestCase):
    def assert_prints(self, block, text):
        """Compares `output` with all of the text, and `prints` with a part of it."""
        if block.output is not None:
            whole = pattern(real(block.output))
            self.assertTrue(re.fullmatch(whole, text), f"expected:\n{block.output}got:\n{text}")
        if part := block.attributes.get("prints"):
            self.assertTrue(re.search(pattern(real(part)), text), f"no {part!r} in:\n{text}")

    def python_command(self, block, name):
        python = need(self, block.name, block.attributes["module"])
        file = folder() / f"{name}.py"
        file.write_text(real(block.source), encoding="utf-8")
        return [python, "-u", file]

    def run_block(self, block, number):
        said = block.output or block.attributes.get("prints")
        self.assertTrue(said, "what does it print?")
        optional = block.attributes.get("optional")
        if optional and not is_installed(block.attributes["libs"]):
            print(f"skipped: {block.name}: {optional} is not installed", file=sys.stderr)
            self.skipTest(f"{optional} is not installed")
        name = f"{block.page.stem}-{number}"
        if block.language == "python":
            command = self.python_command(block, name)
        else:
            command = command_of(block, name)
        story.prepare(block.attributes.get("server", "handshake"))
        with run(command) as program:
            for step in block.story:
                getattr(story, step)(program)
            status = program.status()
            self.assertEqual(status, 0, program.text)
            self.assert_prints(block, program.text)


def test_of(page):
    def test(self):
        for number, block in enumerate(blocks_of(page)):
            with self.subTest(block.name):
                self.run_block(block, number)

    return test


for each in PAGES:
    setattr(Pages, f"test_every_block_of_{each.stem.replace('-', '_')}_runs", test_of(each))


if __name__ == "__main__":
    unittest.main()
