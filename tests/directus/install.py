"""Installs real Directus servers, pinned, under target/directus/.

    python3 tests/directus/install.py [VERSION …]

Node comes from npm as well: Directus wants a newer one than machines have. What
is there already is left as it is, and two runs at once wait for each other.
"""

import os
import shutil
import subprocess
import sys
import time

from paths import NODE, VERSIONS, digest, home_of, locked, pinned, template_of

NPM_CI = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, cwd, env=None):
    """Runs a command quietly; shows its output when it fails."""
    done = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


def install_node():
    install_package("node", "Node.js", "about 10 seconds", {}, [])


def install_directus(version):
    env = {
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
        # The headers for the one native build are in Node's own package.
        "npm_config_nodedir": str(NODE.parent.parent),
    }
    # No other package needs its install script.
    build = [["npm", "rebuild", "sqlite3"]]
    install_package(version, f"Directus {version}", "two to five minutes", env, build)


def install_package(name, title, duration, env, then):
    """Installs the packages of a lock file, and marks the folder as complete at the end."""
    home, source = home_of(name), pinned(name)
    stamp = home / f"complete-{digest(source / 'package-lock.json')}"
    if stamp.exists():
        return
    if shutil.which("npm") is None:
        raise SystemExit("the tests with real servers need npm, which is not in PATH")
    say(f"installing {title} ({duration}, once)")
    began = time.monotonic()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(source / file, home / file)
    for command in [NPM_CI, *then]:
        run(command, home, env)
    stamp.touch()
    say(f"installed {title} in {time.monotonic() - began:.0f} s")


def make_template(version):
    """Creates the database with the schema of the tests."""
    # Here, as serving imports this module in its turn.
    import schema
    from server import Server

    template = template_of(version)
    if template.exists():
        return
    say(f"making the test database of Directus {version} (about 20 seconds, once)")
    with Server(version, template=False) as server:
        schema.apply(server.rest, rules=version.startswith("11."))
        server.stop()
        template.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all.
        part = template.with_suffix(".part")
        shutil.copy(server.folder / "data.db", part)
        part.replace(template)


def install(version):
    """Installs a version and creates its database, unless that was done before."""
    if version not in VERSIONS:
        raise SystemExit(f"Directus {version} is not pinned here; known: {', '.join(VERSIONS)}")
    with locked("node"):
        install_node()
    with locked(version):
        install_directus(version)
        make_template(version)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or VERSIONS:
        install(wanted)
