"""Commands that the tests of this folder run."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def succeeds(command, **more):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}")
    return done.stdout


def make_install(**variables):
    """Installs from this checkout, and returns the output."""
    given = [f"{name}={value}" for name, value in variables.items()]
    return succeeds(["make", "--no-print-directory", "install", *given], cwd=ROOT)


def files_below(folder):
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
