"""Mutants: deliberate faults, each of which the simulation must report as a violation of
the invariant that it breaks.

    python3 tests/simulation/mutants.py [NAME …]
    python3 tests/simulation/mutants.py --check

Each fault is made in a copy of the tree under target/, so the checkout is never changed.
`--check` only checks that each mutant's text is still found in its file, once.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "target" / "mutants"
TREE = SCRATCH / "tree"
LIST = Path(__file__).parent / "mutants"
SCHEDULES = os.environ.get("DRT_SIM_SCHEDULES", "100000")
#: Seconds after which a simulation counts as one that does not end.
TIMEOUT = 300


@dataclass
class Mutant:
    """A fault: its file, the text to find there, and its replacement."""

    invariant: str
    name: str
    file: str
    before: str
    after: str


def read(path: Path) -> Mutant:
    """Reads a fault: a title, a file, and the two texts between fences."""
    text = path.read_text()
    title, file = re.match(r"# (.*)\n\n`(.*)`\n", text).groups()
    before, after = re.findall(r"```rust\n(.*?)```", text, re.DOTALL)
    return Mutant(path.stem.split("_")[0].upper(), title, file, before, after)


def copy_tree() -> None:
    """Copies the files under version control, as they are in the checkout now."""
    listed = subprocess.run(
        ["git", "ls-files", "Cargo.*", "build.rs", "src", "tests", "benches"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    shutil.rmtree(TREE, ignore_errors=True)
    for name in listed.stdout.split():
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)


def run(
    *command: str, invariant: str = "I", seconds: float | None = None
) -> tuple[int | None, str]:
    """Runs a command in the copy. Returns its status (None when it did not end) and output.

    Violations of other invariants do not count.
    """
    settings = {
        "DRT_SIM_INVARIANT": invariant,
        "CARGO_TARGET_DIR": str(SCRATCH / "build"),
        "DRT_SIM_SCHEDULES": SCHEDULES,
        "RUST_BACKTRACE": "0",
    }
    process = subprocess.Popen(
        command,
        cwd=TREE,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output


def simulate(invariant: str = "I") -> tuple[bool, str]:
    """Runs the simulation in the copy. Returns whether it passed, and the violation."""
    simulation = ("cargo", "test", "--quiet", "--test", "simulation")
    status, output = run(*simulation, "--no-run")
    if status != 0:
        sys.exit(f"the copy does not compile:\n{output[-3000:]}")
    status, output = run(*simulation, invariant=invariant, seconds=TIMEOUT)
    if status is None:
        return False, f"I8: it does not end, in {TIMEOUT} s"
    found = re.search(r"^(I\d+: .*)$", output, re.MULTILINE)
    if status != 0 and found is None:
        sys.exit(f"it failed without a violation:\n{output[-3000:]}")
    return status == 0, found.group(1) if found else ""


def source(mutant: Mutant, tree: Path) -> str:
    """The text of the file that the fault is made in."""
    text = (tree / mutant.file).read_text()
    if text.count(mutant.before) != 1:
        sys.exit(
            f"{mutant.name}: {mutant.file} does not have, once:\n{mutant.before}"
            "Update the mutant in tests/simulation/mutants/."
        )
    return text


def try_out(mutant: Mutant) -> str:
    """Makes the fault and returns the violation. Restores the copy afterwards."""
    path = TREE / mutant.file
    whole = source(mutant, TREE)
    path.write_text(whole.replace(mutant.before, mutant.after))
    try:
        _, violation = simulate(mutant.invariant)
    finally:
        path.write_text(whole)
    return violation


def main() -> None:
    """Tries the named mutants, or all."""
    wanted = sys.argv[1:]
    if wanted == ["--check"]:
        for path in LIST.glob("*.md"):
            source(read(path), ROOT)
        return
    files = sorted(
        path
        for path in LIST.glob("*.md")
        if not wanted or any(name in path.name for name in wanted)
    )
    copy_tree()
    passed, violation = simulate()
    if not passed:
        sys.exit(f"the simulation fails before any fault is made: {violation}")
    missed = []
    for path in files:
        mutant = read(path)
        began = time.monotonic()
        violation = try_out(mutant)
        seconds = time.monotonic() - began
        print(f"{mutant.invariant}  {mutant.name} ({seconds:.0f} s)")
        print(f"      {violation or 'NOT DETECTED'}", flush=True)
        if not violation.startswith(mutant.invariant):
            missed.append(path.name)
    if missed:
        sys.exit(f"not detected: {', '.join(missed)}")
    print(f"all {len(files)} mutants were detected, each by its invariant")


if __name__ == "__main__":
    main()
