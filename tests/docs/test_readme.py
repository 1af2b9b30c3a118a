"""The README's four programs, run unchanged, and its commands and links."""

import re
import unittest

import readme_programs
import story
from blocks import ROOT, pattern
from house import real, run
from readme_programs import README, program_in


class Readme(unittest.TestCase):
    def follows(self, command, end):
        """Runs it while a post is created, and compares the output with the README's."""
        story.prepare("handshake")
        with run(command) as program:
            story.create(program)
            end(program)
            program.status()
        said = pattern(real(program_in("text"))) + r"(the client is closed\n)?"
        # Python prints a traceback at Ctrl-C.
        text = re.sub(r"Traceback [\s\S]*KeyboardInterrupt\n+$", "", program.text)
        self.assertTrue(re.fullmatch(said, text), f"no {said!r}:\n{program.text}")
        return program

    def test_the_readmes_c_program_prints_the_readmes_output(self):
        program = self.follows(readme_programs.command("c"), story.hang_up)
        self.assertEqual(program.process.returncode, 0)

    def test_the_readmes_cpp_program_prints_the_readmes_output(self):
        program = self.follows(readme_programs.command("cpp"), story.hang_up)
        self.assertEqual(program.process.returncode, 0)

    def test_the_readmes_python_program_prints_the_readmes_output(self):
        self.follows(readme_programs.command("python"), story.interrupt)

    def test_the_readmes_node_program_prints_the_readmes_output(self):
        self.follows(readme_programs.command("js"), story.interrupt)

    def test_every_make_target_named_in_the_readme_exists(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
        named = set(re.findall(r"^(?:`|)make ([a-z-]+)|`make ([a-z-]+)", README, re.M))
        named = {name for pair in named for name in pair if name}
        self.assertGreater(len(named), 4)
        self.assertLessEqual(named, targets)

    def test_every_file_linked_in_the_readmes_exists(self):
        for page in (ROOT / "README.md", ROOT / "examples" / "README.md"):
            text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
            links = re.findall(r'(?:\]\(|src=")(?!https?:|#)([^)"]+)[)"]', text)
            self.assertGreater(len(links), 10)
            for link in links:
                self.assertTrue((page.parent / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
