"""A MariaDB of its own, as backing.py has PostgreSQL and Redis."""

import os
import pwd
import re
import shutil
import socket
import subprocess
from pathlib import Path

from backing import HOST, Database, child_guard, copy, program

DATABASE = "directus"
SQL = Path("/usr/share/mysql")
SYSTEM_TABLES = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
)
SETTINGS = {
    "bind-address": HOST,
    # In the data directory, as a path may be too long for a socket.
    "socket": "mysql.sock",
    "pid-file": "mysql.pid",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    # Nothing that a power failure would need.
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "sync-binlog": "0",
    "performance-schema": "OFF",
    "max-connections": "200",
}


class MariaDB(Database):
    def environment(self):
        """What a Directus server needs to know of it."""
        return {
            "DB_CLIENT": "mysql",
            "DB_HOST": HOST,
            "DB_PORT": str(self.port),
            "DB_DATABASE": DATABASE,
            "DB_USER": "root",
            "DB_PASSWORD": "",
        }

    def _prepare(self):
        (self.folder / "init.sql").write_text(f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n")
        if self._template:
            copy(self._template, self.data)
            return
        # As mariadb-install-db does, which wants programs of further packages.
        self.data.mkdir()
        tables = [(SQL / name).read_text(encoding="utf-8") for name in SYSTEM_TABLES]
        begin = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        options = [f"--datadir={self.data}", f"--user={user()}", "--max-allowed-packet=8M"]
        done = subprocess.run(
            [mariadbd(), "--no-defaults", "--bootstrap", *options],
            check=False,
            cwd="/",
            input=begin + "".join(tables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"mariadbd --bootstrap failed:\n{done.stdout[-4000:]}")

    def _command(self):
        settings = {**SETTINGS, "port": str(self.port), "datadir": str(self.data)}
        settings |= {"user": user(), "init-file": str(self.folder / "init.sql")}
        words = [f"--{name}={value}" for name, value in settings.items()]
        return [*child_guard(), mariadbd(), "--no-defaults", "--skip-log-bin", *words]

    def _is_ready(self):
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as link:
                # The length of its greeting, a number, and the version of the protocol.
                return link.recv(100)[4:5] == b"\x0a" and self.process.poll() is None
        except OSError:
            return False


def user():
    return pwd.getpwuid(os.geteuid()).pw_name


def mariadbd():
    """Debian keeps it outside of PATH for all but root."""
    return shutil.which("mariadbd") or (
        "/usr/sbin/mariadbd"
        if os.path.exists("/usr/sbin/mariadbd")
        else program("mariadbd", "mariadb-server-core")
    )


def mariadb_version():
    """Its data can be read by this version, and perhaps by no other."""
    said = subprocess.run(
        [mariadbd(), "--no-defaults", "--version"], check=True, stdout=subprocess.PIPE, text=True
    )
    return re.search(r"\d+\.\d+", said.stdout).group()
