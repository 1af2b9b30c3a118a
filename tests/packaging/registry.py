"""A registry on loopback that has this package and koffi, and nothing else."""

import base64
import fcntl
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
from urllib.parse import unquote

from packages import CACHE, OUT, PLATFORMS, VERSION, npm_tarball, succeeds


class Registry:
    """`with Registry() as registry`: npm's option --registry is `registry.url`."""

    def __enter__(self):
        self._packages = {}
        # Packed before: npm finds the packages of other platforms missing, which is allowed.
        tarballs = [OUT / f"directus-realtime-{VERSION}.tgz", *koffi()]
        tarballs += [npm_tarball(name) for name in PLATFORMS if npm_tarball(name).exists()]
        for tarball in tarballs:
            described = manifest(tarball)
            self._packages[described["name"]] = (described, tarball.read_bytes())
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = registry.answer(unquote(self.path).strip("/"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path):
        if path.endswith(".tgz"):
            path = path.removesuffix(".tgz")
        found = self._packages.get(path.removeprefix("-/"))
        if found is None:
            return 404, b'{"error": "not found"}'
        described, tarball = found
        if path.startswith("-/"):
            return 200, tarball
        digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        place = f"{self.url}-/{described['name']}.tgz"
        version = {**described, "dist": {"tarball": place, "integrity": f"sha512-{digest}"}}
        number = described["version"]
        answer = {
            "name": described["name"],
            "dist-tags": {"latest": number},
            "versions": {number: version},
        }
        return 200, json.dumps(answer).encode()


def manifest(tarball):
    with tarfile.open(tarball) as archive:
        return json.load(io.TextIOWrapper(archive.extractfile("package/package.json")))


def koffi():
    """The tarballs of the koffi that the package depends on."""
    wanted = manifest(OUT / f"directus-realtime-{VERSION}.tgz")
    version = wanted["dependencies"]["koffi"]
    names = ["koffi", *(n for n in wanted["optionalDependencies"] if n.startswith("@koromix/"))]
    folder = CACHE / f"koffi-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            if not (folder / file_of(name, version)).exists():
                pack = ["npm", "pack", "--silent", "--pack-destination", folder]
                succeeds([*pack, f"{name}@{version}"], env=os.environ)
    return [folder / file_of(name, version) for name in names]


def file_of(name, version):
    return f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
