"""Deliberate faults: the simulation must notice every one of them.

    python3 tests/simulation/mutants.py [NAME …]

Each fault is made in a copy of the tree under target/, so that nothing of the
checkout is touched, whatever happens.
"""

from __future__ import annotations

import os
import re
import shutil
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


@dataclass
class Mutant:
    """A fault: in which file, what stands there, and what takes its place."""

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
    """A fresh copy of what is under version control, as it stands now."""
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


def simulate() -> subprocess.CompletedProcess[str]:
    """Runs the simulation in the copy."""
    return subprocess.run(
        ["cargo", "test", "--quiet", "--test", "simulation"],
        cwd=TREE,
        env=os.environ
        | {
            "CARGO_TARGET_DIR": str(SCRATCH / "build"),
            "DRT_SIM_SCHEDULES": SCHEDULES,
            "RUST_BACKTRACE": "0",
        },
        capture_output=True,
        text=True,
    )


def complaint_of(output: str) -> str | None:
    """What the simulation complained about, in one line."""
    found = re.search(r"runner\.rs:\d+:\d+:\n(.*)", output)
    return found and found.group(1)


def try_out(mutant: Mutant) -> str:
    """The complaint that the fault provokes; the copy is whole again afterwards."""
    path = TREE / mutant.file
    whole = path.read_text()
    if whole.count(mutant.before) != 1:
        sys.exit(f"{mutant.file} does not have, once:\n{mutant.before}")
    path.write_text(whole.replace(mutant.before, mutant.after))
    try:
        result = simulate()
    finally:
        path.write_text(whole)
    complaint = complaint_of(result.stdout + result.stderr)
    if result.returncode == 0:
        return ""
    if complaint is None:
        sys.exit(f"{mutant.name}: no complaint, but\n{result.stderr[-3000:]}")
    return complaint


def main() -> None:
    """Tries the faults that are named, or all."""
    wanted = sys.argv[1:]
    files = sorted(
        path
        for path in LIST.glob("*.md")
        if not wanted or any(name in path.name for name in wanted)
    )
    copy_tree()
    if simulate().returncode != 0:
        sys.exit("the simulation fails before any fault is made")
    missed = []
    for path in files:
        mutant = read(path)
        began = time.monotonic()
        complaint = try_out(mutant)
        seconds = time.monotonic() - began
        print(f"{mutant.invariant}  {mutant.name} ({seconds:.0f} s)")
        print(f"      {complaint or 'NOT NOTICED'}", flush=True)
        if not complaint:
            missed.append(path.name)
    if missed:
        sys.exit(f"not noticed: {', '.join(missed)}")
    print(f"all {len(files)} faults were noticed")


if __name__ == "__main__":
    main()
