"""The README's four programs, each run as it stands there, and its other commands."""

import re
import shutil
import sys
import unittest

import story
from blocks import ROOT
from house import build, folder, real, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def program_in(language):
    """The first block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert found, f"the README has nothing in {language}"
    return found.group(1)


class Readme(unittest.TestCase):
    def follows(self, command, end):
        story.prepare("handshake")
        with run(command) as program:
            story.create(program)
            end(program)
            program.status()
        at = [program.text.index(title) for title in ("Welcome", "Breaking news")]
        self.assertEqual(at, sorted(at), program.text)
        return program

    def test_the_program_in_c_follows_the_posts(self):
        command = [build("readme", "c", program_in("c"))]
        program = self.follows(command, story.hang_up)
        self.assertEqual(program.process.returncode, 0)

    def test_the_program_in_cpp_follows_the_posts(self):
        command = [build("readme-cpp", "cpp", program_in("cpp"))]
        program = self.follows(command, story.hang_up)
        self.assertEqual(program.process.returncode, 0)

    def test_the_program_in_python_follows_the_posts(self):
        file = folder() / "readme.py"
        file.write_text(real(program_in("python")), encoding="utf-8")
        self.follows([sys.executable, "-u", file], story.interrupt)

    def test_the_program_in_node_follows_the_posts(self):
        modules = folder() / "node_modules"
        modules.mkdir(exist_ok=True)
        (modules / "directus-realtime").symlink_to(ROOT / "bindings" / "node")
        file = folder() / "readme.mjs"
        file.write_text(real(program_in("js")), encoding="utf-8")
        self.follows([shutil.which("node"), file], story.interrupt)

    def test_every_make_target_that_is_named_is_there(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
        named = set(re.findall(r"^(?:`|)make ([a-z-]+)|`make ([a-z-]+)", README, re.M))
        named = {name for pair in named for name in pair if name}
        self.assertGreater(len(named), 4)
        self.assertLessEqual(named, targets)

    def test_every_file_that_is_linked_is_there(self):
        text = re.sub(r"```.*?```", "", README, flags=re.S)
        links = re.findall(r'(?:\]\(|src=")(?!https?:|#)([^)"]+)[)"]', text)
        self.assertGreater(len(links), 10)
        for link in links:
            self.assertTrue((ROOT / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
