"""The README's four programs, ready to be run."""

import functools
import re
import sys

from blocks import ROOT
from house import build, folder, node, real

README = (ROOT / "README.md").read_text(encoding="utf-8")
LANGUAGES = ("c", "cpp", "python", "js")


def program_in(language):
    """The first block in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert found, f"the README has nothing in {language}"
    return found.group(1)


def command(language, change=real):
    """The command that runs it. `change` replaces the README's address by the test server's."""
    text = change(program_in(language))
    if language in ("c", "cpp"):
        return [compiled(language, text)]
    if language == "python":
        return [sys.executable, "-u", script(text)]
    return node(f"readme-{abs(hash(text))}", text)


@functools.cache
def compiled(language, text):
    return build(f"readme-{abs(hash(text))}", language, text)


def script(text):
    file = folder() / f"readme-{abs(hash(text))}.py"
    file.write_text(text, encoding="utf-8")
    return file
