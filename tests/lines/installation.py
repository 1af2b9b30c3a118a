"""Installs lines of Directus exactly as named, under target/directus/lines/.

    python3 tests/lines/installation.py [VERSION …]

The two lines that all tests run with have lock files, and are installed by those. For the others
it is only Directus itself that is pinned: nine lock files more would be 9 MB of this
repository, for a command that is run now and then.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "directus"))

import install as locked_versions  # noqa: E402
import paths  # noqa: E402
from paths import CACHE, NODE, locked  # noqa: E402

LINES = CACHE / "lines"
VERSIONS = (
    "10.13.4",
    "11.1.2",
    "11.4.1",
    "11.9.2",
    "11.13.4",
    "11.16.1",
    "11.17.4",
    "12.0.2",
    "12.2.0",
    "12.4.0",
    "12.4.1",
)
# The registry lacks the app that 12.4.1 names. It is only the administrator's web page.
OVERRIDES = {"12.4.1": {"@directus/app": "18.0.0"}}
# The first that has its native build in the package; each line names an older one,
# which would be compiled.
ISOLATED_VM = "6.1.2"


class NotInstalledError(Exception):
    """This machine cannot install or run a line, with the reason."""


def home_of(version):
    return paths.home_of(version) if version in paths.VERSIONS else LINES / version


def manifest(version):
    """The `package.json` of a line."""
    packages = {"directus": version, "isolated-vm": ISOLATED_VM}
    overrides = {"isolated-vm": ISOLATED_VM, **OVERRIDES.get(version, {})}
    return json.dumps({"private": True, "dependencies": packages, "overrides": overrides})


def run(command, home, version):
    env = {
        **os.environ,
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
        # The headers for the one native build are in Node's own package.
        "npm_config_nodedir": str(NODE.parent.parent),
        "npm_config_cache": str(LINES / "npm-cache"),
        # SQLite's driver need not be fast, and takes minutes to be optimized.
        "CFLAGS": "-O0",
        "CXXFLAGS": "-O0",
    }
    done = subprocess.run(
        command,
        check=False,
        cwd=home,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        (LINES / f"{version}.log").write_text(done.stdout, encoding="utf-8")
        lines = [line for line in done.stdout.splitlines() if "error" in line.lower()]
        why = lines[0].strip() if lines else f"it ended with {done.returncode}"
        raise NotInstalledError(f"{' '.join(command[:2])}: {why}")


def install(version):
    """Installs a line, unless that was done before, and returns its folder."""
    with locked("node"):
        locked_versions.install_node()
    if version in paths.VERSIONS:
        with locked(version):
            locked_versions.install_directus(version)
        return home_of(version)
    LINES.mkdir(parents=True, exist_ok=True)
    with locked(f"lines/{version}"):
        home = home_of(version)
        wanted = manifest(version)
        stamp = home / "complete"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return home
        print(f"installing Directus {version} (some minutes, once)", file=sys.stderr, flush=True)
        began = time.monotonic()
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "package.json").write_text(wanted, encoding="utf-8")
        options = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
        run(["npm", "install", "--no-package-lock", *options], home, version)
        run(["npm", "rebuild", "sqlite3"], home, version)
        stamp.write_text(wanted, encoding="utf-8")
        took = time.monotonic() - began
        print(f"installed Directus {version} in {took:.0f} s", file=sys.stderr, flush=True)
        return home


def main():
    failed = False
    for version in sys.argv[1:] or VERSIONS:
        try:
            install(version)
        except NotInstalledError as error:
            failed = True
            print(f"Directus {version} is not installed: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
