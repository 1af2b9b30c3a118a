"""Installs real Directus servers, pinned, under target/directus/.

    python3 tests/directus/install.py [VERSION …]

Node comes from npm as well: Directus wants a newer one than machines have. What
is there already is left as it is.
"""

import os
import shutil
import subprocess
import sys

from paths import (
    CACHE,
    HERE,
    NODE,
    NODE_PACKAGE,
    NODE_VERSION,
    VERSIONS,
    digest,
    locked,
    server_home,
    template_home,
)


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, cwd, env=None):
    """Runs a command quietly; shows what it said when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


def node_environment():
    """The environment in which `node` is the pinned one."""
    return {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}


def install_node():
    home = CACHE / "node"
    stamp = home / f"{NODE_PACKAGE}-{NODE_VERSION}"
    if stamp.exists():
        return
    say(f"installing Node {NODE_VERSION} (about ten seconds, once)")
    home.mkdir(parents=True, exist_ok=True)
    package = f"{NODE_PACKAGE}@{NODE_VERSION}"
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    run(["npm", "install", "--prefix", str(home), *options, package], home)
    stamp.touch()


def install_directus(version):
    home, source = server_home(version), HERE / "versions" / version
    stamp = home / f"complete-{digest(source / 'package-lock.json')}"
    if stamp.exists():
        return
    say(f"installing Directus {version} (about two minutes, once)")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, home / name)
    env = node_environment()
    quiet = ["--no-audit", "--no-fund"]
    # No package needs its install script but the SQLite driver.
    run(["npm", "ci", "--ignore-scripts", "--prefer-offline", *quiet], home, env)
    headers = {"npm_config_nodedir": str(NODE.parent.parent)}
    run(["npm", "rebuild", "sqlite3"], home, {**env, **headers})
    stamp.touch()


def make_template(version):
    """Makes the database with the schema that the tests work on."""
    import schema
    from server import Server

    home = template_home(version)
    if (home / "data.db").exists():
        return
    say(f"making the test database of Directus {version} (about 20 seconds, once)")
    with Server(version, template=None) as server:
        schema.apply(server, rules=version.startswith("11."))
        server.stop()
        home.mkdir(parents=True, exist_ok=True)
        # Whole or not at all.
        shutil.copy(server.folder / "data.db", home / "data.db.part")
        os.replace(home / "data.db.part", home / "data.db")


def install(version):
    """Makes sure that a version can be started at once."""
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
