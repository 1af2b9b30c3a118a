"""Every block of the pages is compiled, run, and says what the page says that it says."""

import re
import unittest

import story
from blocks import PAGES, blocks_of, pattern
from house import build, folder, real, run
from pythons import need


def command_of(block, name):
    """The command that runs a block. Writes its file for later blocks of the page."""
    if block.language == "sh":
        return ["bash", "-eu", "-c", real(block.text)]
    if file := block.attributes.get("file"):
        (folder() / file).write_text(real(block.source), encoding="utf-8")
    return [build(name, block.language, block.source, block.attributes.get("libs"))]


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
