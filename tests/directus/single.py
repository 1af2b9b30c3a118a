"""One Directus server on a database of any kind: SQLite, PostgreSQL or MariaDB.

`with Single("mariadb", schema=apply, made_of=[…]) as single:` once `install` of this
module was called with the same. `single.node` is a server as server.py has them.
"""

import os
import subprocess
from pathlib import Path

import install as servers
from backing import HOST, POSTGRES_USER, Postgres, copy, postgres, postgres_version
from mariadb import MariaDB, mariadb_version
from paths import CACHE, VERSIONS, digest, locked, pinned
from server import Server

KINDS = ("sqlite", "postgres", "mariadb")


class Sqlite:
    """The file of a server's own folder, made to look like a server program."""

    def __init__(self, template=None):
        self.template = template
        self.pid = None

    def close(self):
        pass


class Node(Server):
    """A server on `database`."""

    def __init__(self, database, version, env, template):
        self._database = database
        super().__init__(version, env, template)

    def _prepare(self, template):
        if not template:
            self._bootstrap()
        elif isinstance(self._database, Sqlite):
            copy(self._database.template, self.folder / "data.db")


def has_postgis():
    return any(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))


class Single:
    """`template=False` begins with an empty database."""

    def __init__(self, kind, template, version=VERSIONS[0], env=None):
        self.kind = kind
        self.node = None
        self.database = {"sqlite": Sqlite, "postgres": Postgres, "mariadb": MariaDB}[kind](template)
        try:
            if kind == "postgres" and not template and has_postgis():
                self._add_postgis()
            extra = {**self._environment(), **(env or {})}
            self.node = Node(self.database, version, extra, bool(template))
        except BaseException:
            self.close()
            raise

    def _environment(self):
        if self.kind == "sqlite":
            return {}
        if self.kind == "mariadb":
            return self.database.environment()
        return {
            "DB_CLIENT": "pg",
            "DB_HOST": HOST,
            "DB_PORT": str(self.database.port),
            "DB_DATABASE": "postgres",
            "DB_USER": POSTGRES_USER,
            "DB_PASSWORD": "trusted",
        }

    def _add_postgis(self):
        where = ["-h", HOST, "-p", str(self.database.port), "-U", POSTGRES_USER]
        command = [postgres("psql"), *where, "-qc", "CREATE EXTENSION postgis", "postgres"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def keep_as(self, template):
        self.node.stop()
        if self.kind != "sqlite":
            return self.database.keep_as(template)
        template.parent.mkdir(parents=True, exist_ok=True)
        part = template.with_suffix(".part")
        copy(self.node.folder / "data.db", part)
        return part.replace(template)

    def close(self):
        if self.node is not None:
            self.node.close()
        self.database.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def template_of(kind, made_of, version):
    """The data that every server on such a database starts from."""
    name = digest(*made_of, pinned(version) / "package-lock.json")
    if kind == "sqlite":
        return CACHE / f"template-{version}-sqlite-{name}" / "data.db"
    # It belongs to whoever may run it.
    user = "root" if os.geteuid() == 0 else "user"
    if kind == "mariadb":
        which = f"mariadb{mariadb_version()}"
    else:
        which = f"pg{postgres_version()}" + ("-postgis" if has_postgis() else "")
    return CACHE / f"template-{version}-{which}-{user}-{name}" / "data"


def install(kind, apply, made_of, version=VERSIONS[0]):
    """Creates the template, unless that was done before: its path.

    `apply(rest, kind)` makes the schema, and `made_of` are the files that it depends on.
    """
    servers.install(version)
    template = template_of(kind, made_of, version)
    with locked(f"{kind}-{version}"):
        if not template.exists():
            servers.say(
                f"making the database of {kind} for Directus {version} (half a minute, once)"
            )
            with Single(kind, None, version) as single:
                apply(single.node.rest, kind)
                single.keep_as(template)
    return template
