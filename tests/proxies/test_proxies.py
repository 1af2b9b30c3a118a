"""The library through the proxies of docs/proxies.md: no event is lost, and reasons are right."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON_PACKAGE = ROOT / "bindings" / "python" / "src"
sys.path[:0] = [str(HERE), str(HERE.parent / "directus"), str(PYTHON_PACKAGE)]

from follower import Follower  # noqa: E402
from proxy import IDLE_SECONDS, Apache, Caddy, Haproxy, Nginx  # noqa: E402
from shared import shared_server  # noqa: E402

VERSION = "12.4.0"
OUT = ROOT / "target" / "proxies"
# Asks often enough for the proxies, and too seldom.
SHORT, LONG = IDLE_SECONDS / 3, 25


def server():
    return shared_server(VERSION)


@functools.cache
def certificates():
    """A folder with a private authority, and what it has signed."""
    OUT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=OUT))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "extensions").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for command in (
        f"req -x509 {key} -keyout authority.key -out authority.pem -days 2 -subj /CN=Tests",
        f"req {key} -keyout localhost.key -out request -subj /CN=localhost",
        "x509 -req -in request -CA authority.pem -CAkey authority.key -extfile extensions "
        "-set_serial 2 -days 2 -out localhost.pem",
    ):
        subprocess.run(
            ["openssl", *command.split()], cwd=folder, check=True, stderr=subprocess.DEVNULL
        )
    both = (folder / "localhost.pem").read_text() + (folder / "localhost.key").read_text()
    (folder / "both.pem").write_text(both)
    return folder


def follow(proxy, path="", heartbeat=SHORT, wait=True):
    return Follower(f"{proxy.url}{path}", certificates() / "authority.pem", heartbeat, wait)


class Through:
    """A mixin for the test case of a proxy."""

    kind = None
    #: Whether the proxy cuts idle links.
    cuts = True

    @classmethod
    def setUpClass(cls):
        if missing := cls.kind.missing():
            reason = f"{cls.kind.__name__}: this machine has no {missing}"
            print(f"skipped: {reason}", file=sys.stderr)
            raise unittest.SkipTest(reason)
        cls.rest = server().rest
        cls.proxy = cls.kind(server().port, certificates())
        cls.addClassCleanup(cls.proxy.close)

    def write(self, title):
        """A create, an update and a delete."""
        kept = self.rest.create("posts", {"title": title})
        gone = self.rest.create("posts", {"title": f"{title}, deleted"})
        self.rest.update("posts", kept["id"], {"title": f"{title}, updated"})
        self.rest.delete("posts", gone["id"])

    def test_events_come_through_tls_at_the_root_and_under_a_path(self):
        with follow(self.proxy) as root, follow(self.proxy, "/cms") as path:
            self.write("Through")
            for follower in (root, path):
                follower.wait_to_equal(self.rest)
                self.assertEqual((follower.connects, follower.resyncs), (1, 0))

    def test_an_idle_link_is_kept_by_a_shorter_heartbeat_and_cut_without(self):
        with follow(self.proxy) as kept, follow(self.proxy, heartbeat=LONG) as cut:
            if self.cuts:
                # The package names its own option for heartbeat_ms.
                reason = cut.wait_for_reason("idle timeout of a proxy", "`heartbeat`")
                self.assertRegex(reason, rf"after {IDLE_SECONDS}\.\d s")
            else:
                time.sleep(2 * IDLE_SECONDS)
                self.assertEqual(cut.connects, 1, cut.reasons())
            self.write("After the silence")
            for follower in (kept, cut):
                follower.wait_to_equal(self.rest)
            self.assertEqual((kept.connects, kept.resyncs), (1, 0), kept.reasons())

    def test_a_reload_closes_no_link(self):
        with follow(self.proxy) as follower:
            self.proxy.reload()
            time.sleep(1)
            self.write("After the reload")
            follower.wait_to_equal(self.rest)
            self.assertEqual((follower.connects, follower.resyncs), (1, 0), follower.reasons())
            # New links are taken.
            with follow(self.proxy) as newer:
                newer.wait_to_equal(self.rest)

    def test_a_reload_with_another_configuration_loses_no_event(self):
        with follow(self.proxy) as follower:
            self.proxy.configure("changed")
            self.reload_changed(follower)
            self.write("After the change")
            follower.wait_to_equal(self.rest)

    def reload_changed(self, follower):
        self.proxy.reload()
        time.sleep(1)
        self.assertEqual(follower.connects, 1, follower.reasons())

    def test_a_restart_is_followed_by_a_resync(self):
        with follow(self.proxy) as follower:
            self.proxy.stop()
            self.write("While there was no proxy")
            self.proxy.start()
            follower.wait_until(lambda: follower.resyncs > 0, "no RESYNC")
            follower.wait_to_equal(self.rest)


class ThroughNginx(Through, unittest.TestCase):
    kind = Nginx


class ThroughHaproxy(Through, unittest.TestCase):
    kind = Haproxy


class ThroughApache(Through, unittest.TestCase):
    kind = Apache


class ThroughCaddy(Through, unittest.TestCase):
    kind = Caddy
    cuts = False

    def reload_changed(self, follower):
        """Another configuration closes the links with 1001."""
        self.proxy.reload()
        follower.wait_for_reason("1001")
        follower.wait_until(lambda: follower.resyncs > 0, "no RESYNC")


class Backend(unittest.TestCase):
    def test_the_death_of_the_server_is_followed_by_a_resync_through_each_proxy(self):
        rest = server().rest
        kinds = [kind for kind in (Nginx, Haproxy, Apache, Caddy) if kind.missing() is None]
        with ExitStack() as stack:
            followers = []
            for kind in kinds:
                proxy = kind(server().port, certificates())
                stack.callback(proxy.close)
                followers.append(stack.enter_context(follow(proxy)))
            server().kill()
            server().start()
            rest.create("posts", {"title": "After the death"})
            for kind, follower in zip(kinds, followers):
                with self.subTest(kind.__name__):
                    follower.wait_until(lambda one=follower: one.resyncs > 0, "no RESYNC")
                    follower.wait_to_equal(rest)


class Variations(unittest.TestCase):
    """What the page says of settings that its configurations do not have."""

    def proxy(self, kind, **changes):
        if missing := kind.missing():
            self.skipTest(f"this machine has no {missing}")
        proxy = kind(server().port, certificates(), **changes)
        self.addCleanup(proxy.close)
        return proxy

    def test_without_the_headers_of_the_upgrade_the_reason_says_so(self):
        header = "    proxy_set_header Upgrade           $http_upgrade;\n"
        proxy = self.proxy(Nginx, replaced={header: ""})
        with follow(proxy, wait=False) as follower:
            follower.client.connect()
            follower.wait_for_reason("there is no WebSocket at that path", "404")

    def test_haproxys_timeouts_of_client_and_server_count_without_one_for_tunnels(self):
        seconds = f"{IDLE_SECONDS}s"
        replaced = {
            f"    timeout tunnel {seconds}\n": "",
            "timeout client  30s": f"timeout client {seconds}",
            "timeout server  30s": f"timeout server {seconds}",
        }
        with follow(self.proxy(Haproxy, replaced=replaced), heartbeat=LONG) as follower:
            follower.wait_for_reason(f"cut after {IDLE_SECONDS}", "`heartbeat`")

    def test_apaches_proxy_timeout_does_not_cut_idle_links(self):
        replaced = {f"Timeout {IDLE_SECONDS}": "Timeout 60\nProxyTimeout 1"}
        with follow(self.proxy(Apache, replaced=replaced), heartbeat=LONG) as follower:
            time.sleep(IDLE_SECONDS)
            server().rest.create("posts", {"title": "After the silence"})
            follower.wait_to_equal(server().rest)
            self.assertEqual(follower.connects, 1, follower.reasons())

    def test_a_limit_for_old_processes_ends_links_after_a_reload(self):
        for kind, main in (
            (Nginx, "worker_shutdown_timeout 1s;\n"),
            (Haproxy, "global\n    hard-stop-after 1s\n\n"),
        ):
            with self.subTest(kind.__name__):
                proxy = self.proxy(kind, main=main)
                with follow(proxy) as follower:
                    proxy.reload()
                    follower.wait_until(lambda one=follower: one.resyncs > 0, "no RESYNC")
                    follower.wait_to_equal(server().rest)


if __name__ == "__main__":
    unittest.main()
