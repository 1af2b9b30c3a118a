"""When, where and with what it was measured."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from works import PYTHON, ROOT

#: What a peer is made of, as Cargo.lock has it.
CRATES = ("tokio-tungstenite", "tokio", "serde_json")


def said(*command: str) -> str:
    """What a program prints; nothing where there is no such program."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def processor() -> str:
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return names[0] if names else "unknown processor"


def crates() -> list[str]:
    lock = (ROOT / "Cargo.lock").read_text()
    versions = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
    return [f"{name} {versions[name]}" for name in CRATES]


def peers() -> list[str]:
    websockets = said(str(PYTHON), "-c", "import websockets; print(websockets.__version__)")
    package = ROOT / "bindings" / "node" / "node_modules" / "ws" / "package.json"
    ws = re.search(r'"version": "([^"]+)"', package.read_text()) if package.exists() else None
    found = {
        "Python": said(str(PYTHON), "-c", "import platform; print(platform.python_version())"),
        "websockets": websockets,
        "Node": said("node", "--version").lstrip("v"),
        "ws": ws and ws[1],
    }
    return [f"{name} {version}" for name, version in found.items() if version]


def now(repeats: int, seconds: int) -> dict[str, str]:
    """Everything that a reader needs to judge the numbers."""
    commit = said("git", "describe", "--always", "--dirty", "--exclude", "*") or "unknown"
    system = os.uname()
    return {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "commit": commit,
        "machine": f"{os.cpu_count()} cores, {processor()}, {system.sysname} {system.release}",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "versions": ", ".join([said("rustc", "--version"), *crates(), *peers()]),
        "rounds": f"medians of {repeats}, in {seconds} s",
    }
