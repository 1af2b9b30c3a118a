"""Writes docs/compatibility.md from the outcomes of all lines."""

from behaviour import BEHAVIOURS, ROOT
from installation import HERE
from notes import HANDLED, NOTES, SERVER_ITSELF

PAGE = ROOT / "docs" / "compatibility.md"

# What is written by hand.
INTRODUCTION = HERE / "compatibility.md"

PUBLIC = "| 11.1 | `public` mode does not work as described: note {number} |\n"


def wrap(text, width=140):
    """Lines of at most so many characters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


class Numbers:
    """The notes that the table uses, numbered in the order of their first use."""

    def __init__(self):
        self.names = []

    def of(self, name):
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name) + 1

    def text(self):
        listed = [wrap(f"{n}. {NOTES[name][1]}") for n, name in enumerate(self.names, 1)]
        return "\n".join(each.replace("\n", "\n    ") for each in listed)


def cell(results, behaviour, numbers):
    found = results.get("behaviours", {}).get(behaviour.title)
    if found is None:
        return "not run"
    if "failed" in found:
        return "✗"
    note = found.get("note")
    if note is None:
        return "✓"
    mark, _ = NOTES[note]
    if behaviour.group == SERVER_ITSELF and mark == HANDLED:
        mark = "no"
    return f"{mark} <sup>{numbers.of(note)}</sup>"


def rows(table, group, numbers):
    versions = list(table)
    yield f"### {group}"
    yield ""
    yield f"| | {' | '.join(versions)} |"
    yield f"| --- |{' :-: |' * len(versions)}"
    for behaviour in BEHAVIOURS:
        if behaviour.group == group:
            cells = [cell(table[version], behaviour, numbers) for version in versions]
            yield f"| {behaviour.title} | {' | '.join(cells)} |"
    yield ""


def text_of(table):
    """The page. `table` has the outcomes by version."""
    from paths import VERSIONS as TESTED

    numbers = Numbers()
    groups = list(dict.fromkeys(b.group for b in BEHAVIOURS))
    # What concerns programs first.
    groups.sort(key=lambda group: group == SERVER_ITSELF)
    tables = [line for group in groups for line in rows(table, group, numbers)]
    run = [version for version, results in table.items() if "behaviours" in results]
    more = PUBLIC.format(number=numbers.of("public")) if "public" in numbers.names else ""
    introduction = INTRODUCTION.read_text(encoding="utf-8").format(
        tested=" and ".join(TESTED), number=len(run), first=run[0], last=run[-1], more=more
    )
    missing = [
        wrap(f"{version} was not installed: {results['missing'].splitlines()[0]}") + "\n"
        for version, results in table.items()
        if "missing" in results
    ]
    notes = ["### Notes", "", numbers.text(), ""]
    return "\n".join([introduction, *missing, *tables, *notes])


def write(table):
    PAGE.write_text(text_of(table), encoding="utf-8")
