"""The README's four programs, ready to be run."""

import functools
import re
import shutil
import sys

from blocks import ROOT
from house import build, folder, real

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
        return [sys.executable, "-u", script("py", text)]
    modules = folder() / "node_modules"
    modules.mkdir(exist_ok=True)
    if not (modules / "directus-realtime").is_symlink():
        (modules / "directus-realtime").symlink_to(ROOT / "bindings" / "node")
    return [shutil.which("node"), script("mjs", text)]


@functools.cache
def compiled(language, text):
    return build(f"readme-{abs(hash(text))}", language, text)


def script(suffix, text):
    file = folder() / f"readme-{abs(hash(text))}.{suffix}"
    file.write_text(text, encoding="utf-8")
    return file
