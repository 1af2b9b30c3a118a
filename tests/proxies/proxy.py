"""nginx, HAProxy, Apache and Caddy, each a process with a folder and a port of its own."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "directus")]

from backing import HOST, Service, child_guard  # noqa: E402
from configuration import configuration, replace  # noqa: E402

# Shorter than what any of these proxies is set to.
IDLE_SECONDS = 3
MODULES = Path("/usr/lib/apache2/modules")


class Proxy(Service):
    """A proxy with the page's configuration, in front of the server at port `backend`."""

    # Its own children end, too.
    END = signal.SIGTERM
    language = program = None

    def __init__(self, backend, certificates, main="", replaced=None):
        """With `main` before the page's part, in which texts are replaced."""
        self._backend, self._certificates = backend, certificates
        self.main, self._replaced = main, replaced or {}
        super().__init__()

    @classmethod
    def missing(cls):
        """What this machine has not, for the skip; None where all is there."""
        return None if shutil.which(cls.program) else cls.program

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    @property
    def config(self):
        return self.folder / "config"

    def _idle(self):
        return f"{IDLE_SECONDS}s"

    def _prepare(self):
        self.configure("")

    def configure(self, remark):
        """Writes the configuration; with another remark it is another one."""
        page = configuration(
            self.language, self.port, self._backend, self._certificates, self._idle()
        )
        for written, meant in self._replaced.items():
            page = replace(page, written, meant)
        self.config.write_text(self._around(page, remark), encoding="utf-8")

    def _around(self, page, remark):
        """The page's part with what a package's own configuration has around it."""
        return f"# {remark}\n{self.main}{page}"

    def start(self):
        self._start()

    def stop(self):
        self.end()

    def reload(self):
        """As `systemctl reload` does."""
        self.process.send_signal(signal.SIGHUP)

    def _is_ready(self):
        return self.process.poll() is None and self.answers()

    def answers(self):
        """Whether it answers a request over TLS, whatever the answer."""
        context = ssl.create_default_context(cafile=str(self._certificates / "authority.pem"))
        link = http.client.HTTPSConnection("localhost", self.port, timeout=5, context=context)
        # Not ::1 first, where nothing listens.
        link._create_connection = lambda _, *rest, **more: socket.create_connection(
            (HOST, self.port), timeout=5
        )
        try:
            link.request("GET", "/server/ping")
            return link.getresponse().status > 0
        except OSError:
            return False
        finally:
            link.close()


class Nginx(Proxy):
    language = program = "nginx"

    def _around(self, page, remark):
        folder = self.folder
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (
            f"# {remark}\n{user}{self.main}daemon off;\nerror_log stderr;\n"
            f"pid {folder}/pid;\nworker_processes 1;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{page}}}\n"
        )

    def _command(self):
        path = shutil.which(self.program)
        guard = child_guard("--signal", "SIGTERM")
        return [*guard, path, "-e", "stderr", "-p", str(self.folder), "-c", str(self.config)]


class Haproxy(Proxy):
    language = program = "haproxy"

    def _command(self):
        path = shutil.which(self.program)
        guard = child_guard("--signal", "SIGTERM")
        return [*guard, path, "-W", "-db", "-f", str(self.config)]

    def reload(self):
        self.process.send_signal(signal.SIGUSR2)


class Apache(Proxy):
    language, program = "apache", "apache2"

    def _idle(self):
        return str(IDLE_SECONDS)

    def _around(self, page, remark):
        names = "mpm_event authz_core headers socache_shmcb ssl proxy proxy_http"
        modules = "".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in names.split()
        )
        # It must not serve as root.
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        return (
            f"# {remark}\n{modules}{user}ServerRoot {self.folder}\n"
            f"DefaultRuntimeDir {self.folder}\n"
            f"PidFile {self.folder}/pid\nErrorLog /dev/stderr\nServerName localhost\n"
            f"Listen {HOST}:{self.port}\n{page}"
        )

    def _command(self):
        path = shutil.which(self.program)
        guard = child_guard("--signal", "SIGTERM")
        return [*guard, path, "-D", "FOREGROUND", "-f", str(self.config)]

    def reload(self):
        self.process.send_signal(signal.SIGUSR1)


class Caddy(Proxy):
    language = program = "caddy"

    def _around(self, page, remark):
        # The socket's path has to be short.
        options = "auto_https disable_redirects\nadmin unix//{}\n"
        # It takes no notice of comments.
        header = f'    header X-Configuration "{remark}"\n    tls '
        page = page.replace("    tls ", header)
        return "{\n" + options.format(self._admin()) + "}\n" + page

    def _admin(self):
        return os.path.relpath(self.folder / "admin", "/")

    def _command(self):
        path = shutil.which(self.program)
        home = f"HOME={self.folder}"
        folders = [f"XDG_CONFIG_HOME={self.folder}", f"XDG_DATA_HOME={self.folder}"]
        run = [path, "run", "--adapter", "caddyfile", "--config", str(self.config)]
        return [*child_guard("--signal", "SIGTERM"), "/usr/bin/env", home, *folders, *run]

    def reload(self):
        adapter = ["--adapter", "caddyfile", "--config", str(self.config)]
        admin = ["--address", f"unix//{self._admin()}"]
        subprocess.run(
            ["caddy", "reload", *adapter, *admin],
            cwd="/",
            check=True,
            env={**os.environ, "HOME": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
