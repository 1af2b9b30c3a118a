"""Two Directus servers on one PostgreSQL, joined by one Redis.

As a module: `with Cluster("12.4.0", env={…}) as cluster:` (once `install(version)` of
this one was called), and `cluster.nodes` are servers as server.py has them. As a
command:

    python3 tests/directus/cluster.py serve [--version V] [--env NAME=VALUE …]

as server.py, but an order names its node: `kill 0`, `start 1`.
"""

import argparse
import os

import install as servers
import schema
from backing import POSTGRES_USER, Postgres, Redis, postgres_version
from paths import CACHE, HERE, VERSIONS, digest, locked, pinned
from server import Server, carry_out, exit_on_signals, obey, options

NODES = 2


class Node(Server):
    """A server whose database is the cluster's."""

    def _prepare(self, template):
        if not template:
            self._bootstrap()


class Cluster:
    """`template=False` begins with an empty database."""

    def __init__(self, version=VERSIONS[0], env=None, template=True, nodes=NODES):
        self.parts = []
        try:
            self.postgres = self._have(Postgres(template_of(version) if template else None))
            self.redis = self._have(Redis())
            self.nodes = self._start(
                version, {**self._environment(), **(env or {})}, template, nodes
            )
        except BaseException:
            self.close()
            raise

    def _have(self, part):
        self.parts.append(part)
        return part

    def _environment(self):
        return {
            "DB_CLIENT": "pg",
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.postgres.port),
            "DB_DATABASE": "postgres",
            "DB_USER": POSTGRES_USER,
            "DB_PASSWORD": "trusted",
            "REDIS": f"redis://127.0.0.1:{self.redis.port}",
        }

    def _start(self, version, env, template, count):
        # One after the other: a node that begins may write to the database.
        return [self._have(Node(version, env, template)) for _ in range(count)]

    def close(self):
        # What came last needs what came first.
        for part in reversed(self.parts):
            part.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def template_of(version):
    """The data directory that every cluster starts from."""
    name = digest(HERE / "schema.py", pinned(version) / "package-lock.json")
    # It belongs to whoever may run it.
    user = "root" if os.geteuid() == 0 else "user"
    return CACHE / f"template-{version}-pg{postgres_version()}-{user}-{name}" / "data"


def install(version):
    """Creates the template, unless that was done before."""
    servers.install(version)
    with locked(f"cluster-{version}"):
        template = template_of(version)
        if template.exists():
            return
        servers.say(f"making the cluster's database for Directus {version} (20 seconds, once)")
        with Cluster(version, template=False, nodes=1) as cluster:
            node = cluster.nodes[0]
            schema.apply(node.rest, rules=version.startswith("11."))
            node.stop()
            cluster.postgres.keep_as(template)


def serve(version, env):
    """The command: see the module."""
    install(version)
    exit_on_signals()
    with Cluster(version, env) as cluster:

        def perform(order):
            verb, _, node = order.partition(" ")
            return node in ("0", "1") and carry_out(cluster.nodes[int(node)], verb)

        def about():
            return {"nodes": [node.about() for node in cluster.nodes], "version": version}

        obey(perform, about)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    options(commands.add_parser("serve", help="start a cluster and obey standard input"))
    args = parser.parse_args()
    serve(args.version, dict(args.env))


if __name__ == "__main__":
    main()
