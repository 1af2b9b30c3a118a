"""The fenced blocks of docs/*.md.

Each is run, or compared with the output of a block before it. A complete program (C and C++
with a `main`, JavaScript) needs no comment. A comment right before a block gives the rest:

    <!-- test: in=client.c story=create,hang_up libs=libuv prints="… connected" -->

in      the block is a part of a program: it replaces HOLE in that wrapper
story   what happens while it runs: steps of story.py, in order
libs    the program's libraries, by their names in pkg-config
flags   further flags of the compiler
optional  what may be missing: without `libs` the block is skipped by this name
module  what a Python program imports: where no interpreter has it, the block is skipped by name
file    the name of the program's source for the shell blocks of the page
server  its WEBSOCKETS_REST_AUTH, where it isn't handshake
recipe  the name of its file: tests/frameworks runs it, this suite does not
prints  what the output must contain; or a `text` block follows, which is the whole output

`file` shares the output of the block that follows. "…" stands for anything, on a
line of its own for any lines.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
RUNNABLE = ("c", "cpp", "python", "sh", "js")
# Run by tests/proxies.
ELSEWHERE = ("nginx", "haproxy", "apache", "caddy")
KNOWN = {"in", "story", "libs", "flags", "optional", "module", "file", "server", "prints", "recipe"}
HOLE = "/* the fragment */"
COMMENT = re.compile(r"<!-- test: (.*) -->")


@dataclass
class Block:
    page: Path
    line: int
    language: str
    text: str
    attributes: dict = field(default_factory=dict)
    #: The `text` block that follows.
    output: str | None = None

    @property
    def name(self):
        return f"{self.page.stem}, line {self.line}"

    @property
    def source(self):
        """The whole program."""
        wrapper = self.attributes.get("in")
        if wrapper is None:
            return self.text
        around = (HERE / "wrappers" / wrapper).read_text(encoding="utf-8")
        return around.replace(HOLE, self.text)

    @property
    def story(self):
        return [step for step in self.attributes.get("story", "").split(",") if step]


def attributes_of(line):
    """The attributes in the comment before a block, if there is one."""
    comment = COMMENT.fullmatch(line)
    pairs = shlex.split(comment[1]) if comment else []
    attributes = dict(pair.split("=", 1) for pair in pairs)
    if unknown := attributes.keys() - KNOWN:
        raise ValueError(f"unknown in {line}: {unknown}")
    return attributes


def blocks_of(page, recipes=False):
    """The blocks that are run, with their expected output; or the recipes for frameworks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    blocks, began = [], None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if began is None:
            began = number
            continue
        language, text = lines[began][3:], "\n".join(lines[began + 1 : number]) + "\n"
        before = lines[began - 1] if began else ""
        here = f"{page.name}, line {began + 1}"
        began = None
        if language == "text":
            if not blocks or blocks[-1].output is not None:
                raise ValueError(f"{here}: whose output is this?")
            blocks[-1].output = text
            # The output belongs to the program and to the commands that build and run it.
            if len(blocks) > 1 and blocks[-2].output is None and "file" in blocks[-2].attributes:
                blocks[-2].output = text
        elif language in ELSEWHERE:
            continue
        elif language in RUNNABLE:
            block = Block(page, number - text.count("\n"), language, text, attributes_of(before))
            blocks.append(block)
        else:
            raise ValueError(f"{here}: {language or 'this'!r} cannot be run")
    if began is not None:
        raise ValueError(f"{page.name}, line {began + 1}: a fence without its end")
    return [block for block in blocks if ("recipe" in block.attributes) == recipes]


def pattern(expected):
    """A regular expression for a text in which "…" stands for anything."""
    lines = expected.splitlines()
    parts = [
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
        for line in lines
    ]
    # The server chooses the keys.
    return re.sub(r'"id":\d+', r'"id":\\d+', "".join(parts))
