"""The interpreters that run programs for the loops of trio, Qt and GLib."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / "target" / "python" / "venv" / "bin" / "python"
# PyGObject is Debian's own package: built for the system's Python, and found by no other.
SYSTEM = Path("/usr/bin/python3")


@functools.cache
def python_with(module):
    """An interpreter that can import the module, and None; or None, and why none can."""
    reasons = []
    for python in (VENV, SYSTEM):
        if not python.exists():
            reasons.append(f"{python} is missing")
            continue
        probe = [python, "-c", f"import {module}"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return python, None
        reasons.append(f"{python}: {(done.stderr.splitlines() or ['?'])[-1]}")
    return None, "; ".join(reasons)


def need(case, what, module):
    """The interpreter for the program of a test; skips the test by name where there is none."""
    python, reason = python_with(module)
    if python is None:
        # unittest tells the reason only with -v.
        print(f"skipped: {what}: {reason}", flush=True)
        case.skipTest(reason)
    return python
