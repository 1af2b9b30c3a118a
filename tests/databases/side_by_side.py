"""Runs the tests of all databases at once, each in a process of its own.

    python3 tests/databases/side_by_side.py [FOLDER]

What each of them prints comes when it has ended.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(test):
    done = subprocess.run(
        [sys.executable, str(test), "-v"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout, flush=True)
    return done.returncode


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    tests = sorted(folder.resolve().glob("test_*.py"))
    with ThreadPoolExecutor(len(tests)) as pool:
        sys.exit(max(pool.map(run, tests)))


if __name__ == "__main__":
    main()
