"""Holds the library to the table of behaviours on lines of Directus: `make lines`.

    python3 tests/lines/run.py [VERSION …] [--only TEXT]

Installs each line, runs every behaviour against it, and writes docs/compatibility.md once there
are results of all lines. With versions or an expression, only those lines or the behaviours whose
titles match are run, and the results of the others are those of the run before. Exits with 1 if a
behaviour does not hold.
"""

import argparse
import json
import re
import sys
import time
import traceback

import authentication  # noqa: F401
import events  # noqa: F401
import installation
import messages  # noqa: F401
import page
import refusals  # noqa: F401
import snapshots  # noqa: F401
from behaviour import BEHAVIOURS, SERVERS, World
from installation import LINES, VERSIONS, NotInstalledError
from serving import LineServer, make_template


def say(text):
    print(text, file=sys.stderr, flush=True)


def results_of(version):
    return LINES / f"results-{version}.json"


def stored(version):
    file = results_of(version)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def store(version, results, only):
    """Keeps the outcomes; those of an earlier run stay where only some behaviours were run."""
    if only and "behaviours" in results:
        known = stored(version).get("behaviours", {})
        results = {"behaviours": {**known, **results["behaviours"]}}
    results_of(version).write_text(json.dumps(results), encoding="utf-8")


def outcome(version, server, behaviour):
    """`{}` if it holds, with a `note` if the server differs, with `failed` if it does not."""
    began = time.monotonic()
    try:
        with World(server) as world:
            note = behaviour.check(world)
    except Exception as error:
        say(f"{version}: ✗ {behaviour.group}: {behaviour.title}")
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"[:500]}
    took = time.monotonic() - began
    say(f"{version}: {f'[{note}]' if note else '✓'} {behaviour.title} ({took:.1f} s)")
    return {"note": note} if note else {}


def run(version, only):
    """The outcome of every behaviour on a line."""
    try:
        installation.install(version)
        make_template(version)
    except (NotInstalledError, RuntimeError) as error:
        say(f"{version} is not run: {error}")
        return {"missing": str(error)[-500:]}
    found = {}
    for name, env in SERVERS.items():
        chosen = [b for b in BEHAVIOURS if b.server == name and re.search(only, b.title)]
        if not chosen:
            continue
        with LineServer(version, env=env) as server:
            for behaviour in chosen:
                found[behaviour.title] = outcome(version, server, behaviour)
                if server.process is None or server.process.poll() is not None:
                    say(f"{version}: the server has ended")
                    server.start()
    return {"behaviours": found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    parser.add_argument("--only", default="", help="behaviours whose title matches, an expression")
    args = parser.parse_args()
    unknown = set(args.versions) - set(VERSIONS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(VERSIONS)}")
    failed = False
    for version in args.versions or VERSIONS:
        results = run(version, args.only)
        failed |= any("failed" in each for each in results.get("behaviours", {}).values())
        store(version, results, args.only)
    table = {version: stored(version) for version in VERSIONS}
    if all(table.values()):
        page.write(table)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
