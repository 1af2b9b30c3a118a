"""Every message in docs/troubleshooting.md is one of the library: each is provoked, or, where no
test can provoke it, found in the source."""

import re
import unittest

import peers
from blocks import HERE, ROOT, pattern
from house import build, folder, real, run, server, tls_port
from story import until

PAGE = ROOT / "docs" / "troubleshooting.md"
URL = "url=http://localhost:8055"
HTTPS = "url=https://localhost:8055"
TOKEN = "token=my-token"


def messages():
    """The headings that are messages."""
    headings = re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [heading.strip("`").strip() for heading in headings]


def http(status):
    """A server that answers every request with this status."""
    port = peers.answering(f"HTTP/1.1 {status} Thus\nContent-Length: 0\nLocation: /\n\n")
    return [f"url=ws://127.0.0.1:{port}", TOKEN]


def tls(certificate, *options, host="localhost"):
    return [f"url=wss://{host}:{tls_port(certificate)}/websocket", TOKEN, *options]


def fixture(name):
    return str(ROOT / "tests" / "fixtures" / "tls" / name)


def version_1():
    port = peers.tls_before(server().port, fixture("v1.pem"), fixture("v1.key"))
    return [f"url=wss://localhost:{port}", TOKEN, f"ca_file={fixture('authority.pem')}"]


# By the first words of a message: the arguments with which trouble.c gets it.
WAYS = {
    "… refused the connection": lambda: ["url=http://localhost:8056", TOKEN],
    # An invalid name, which is refused without asking a name server.
    "the name … cannot be resolved": lambda: [f"url=http://{'x' * 64}.invalid", TOKEN],
    "no answer to the WebSocket upgrade": lambda: [
        "url=ws://localhost:8055/websocket/",
        TOKEN,
        "connect=300",
    ],
    "there is no WebSocket at that path": lambda: http(404),
    "what answers at that URL does not upgrade": lambda: http(200),
    "the server redirects": lambda: http(301),
    "the server refused the connection": lambda: http(403),
    "the server behind the proxy": lambda: http(502),
    "what answers is no HTTP server": lambda: [
        f"url=ws://127.0.0.1:{peers.answering('SSH-2.0-OpenSSH_9.2')}",
        TOKEN,
    ],
    "gave up after": lambda: ["url=http://localhost:8056", TOKEN, "attempts=2"],
    "… does not answer with TLS": lambda: [HTTPS, TOKEN],
    "the certificate of … is not of an authority": lambda: tls("localhost"),
    "the certificate is for another name": lambda: tls(
        "localhost", "ca_file=authority.pem", host="127.0.0.1"
    ),
    "the certificate of … has expired": lambda: tls("expired", "ca_file=authority.pem"),
    "the server refused TLS (TLS alert handshake_failure)": lambda: [
        f"url=wss://localhost:{peers.alerting(40)}",
        TOKEN,
    ],
    "the server refused TLS (TLS alert protocol_version)": lambda: [
        f"url=wss://localhost:{peers.alerting(70)}",
        TOKEN,
    ],
    "the certificate of … is of X.509 version 1": version_1,
    '`client_key_file` "…" cannot be used': lambda: [
        HTTPS,
        f"cert={fixture('authority.pem')}",
        f"key={fixture('encrypted.key')}",
    ],
    '`ca_file` "…" cannot be read': lambda: [HTTPS, "ca_file=missing.pem"],
    '`ca_file` "…" cannot be used': lambda: [HTTPS, "ca_file=empty.pem"],
    "there are no credentials": lambda: [URL],
    "the server refused the access token": lambda: [URL, "token=wrong"],
    "the server refused the email": lambda: [URL, "email=me@example.com", "password=wrong"],
    "the access token has expired": lambda: [URL, f"token={login()}"],
    "no access token was given": lambda: [URL, "ask=1", "ack=200"],
    "the server closed the connection without saying why": lambda: [
        f"url=ws://127.0.0.1:{peers.closing()}",
        TOKEN,
    ],
    "the server sent a message of": lambda: [URL, TOKEN, "max=20"],
    "the server refused the subscription: FORBIDDEN": lambda: [
        URL,
        TOKEN,
        "collection=none",
    ],
    "the server refused the subscription: INVALID_QUERY": lambda: [
        URL,
        TOKEN,
        "collection=posts",
        'query={"filter":{"title":{"_wrong":1}}}',
    ],
    # The client is only made, not connected: the address is reserved for documentation.
    "credentials go to": lambda: ["url=ws://192.0.2.1:8055", TOKEN, "idle=1"],
}

GRAPHQL = (
    "this is a GraphQL endpoint (close code 4406): use the path of the server's REST WebSocket, "
    "/websocket, or its URL with http:// or https:// and no path"
)
IDLE = (
    "the connection was cut after {} s without a message, as the one before it: this looks like "
    "the idle timeout of a proxy or a load balancer; raise it there, or set `heartbeat_ms` to less"
)

EXTENSION = (
    "the server turns on a WebSocket extension that was not offered ({}): a proxy in between may "
    "have added it to the request; let it pass Sec-WebSocket-Extensions unchanged"
)
SUBPROTOCOL = (
    "the server chooses a WebSocket subprotocol that was not offered: check that the URL is the "
    "one of Directus, and that a proxy in between passes Sec-WebSocket-Protocol unchanged"
)

# Messages that are not provoked here, or need more than loopback: their literals in the source.
IN_SOURCE = {
    "… does not answer: no connection within … s": (
        "{hop} does not answer: no connection within {seconds} s",
    ),
    "the server's rate limiter dropped a message: …": (
        "the server's rate limiter dropped a message: {}",
    ),
    "the server did not answer a subscribe for …; trying again in … s": (
        "the server did not answer a subscribe",
        "{why} for {uid:?}; trying again in {:.1} s",
    ),
    # The session's tests and tests/c/errors.c provoke these.
    "the server answered with FORBIDDEN: …": ("the server answered with {}",),
    "the server did not answer within … ms": ("the server did not answer within {ms} ms",),
    "the link was lost before the server answered: …": (
        "the link was lost",
        "{clause} before {before}: {reason}",
    ),
    # The session's tests and tests/scripted provoke these.
    GRAPHQL: (GRAPHQL,),
    "the server wants credentials, as its WEBSOCKETS_REST_AUTH is not public: …": (
        "the server wants credentials, as its WEBSOCKETS_REST_AUTH is not public: set "
        "`access_token`, or `email` and `password`, and `auth_mode` to handshake ({error})",
    ),
    IDLE.format("…"): (IDLE.format("{:.1}"),),
    # tests/c/no_threads.c provokes it.
    "…: the system allows no more threads (…): raise the limit of processes (ulimit -u), of the "
    "container (pids.max, --pids-limit) or memory": (
        "the system allows no more threads ({error}): {RAISE}",
        "raise the limit of processes (ulimit -u), of the container (pids.max, --pids-limit) "
        "or memory",
    ),
    # tests/logs provokes these.
    "proxy variables are set and are not used (…): to go through a proxy, set the option `proxy` "
    "(`env` uses these)": (
        "proxy variables are set and are not used ({variables}): {advice}",
        "to go through a proxy, set the option `proxy` (`env` uses these)",
    ),
    # tests/scripted provokes these.
    EXTENSION.format("…"): (EXTENSION.format("{named}"),),
    SUBPROTOCOL: (SUBPROTOCOL,),
    "SSL_CERT_FILE=… in the environment leads to no root certificates (…): correct the variable, "
    "or unset it so that the system's are used": (
        "{variables} in the environment leads to no root certificates{why}: {advice}",
        "correct the variable, or unset it so that the system's are used",
    ),
    'DRT_LOG="…" is unknown and ignored: it must be one of off, error, warn, info, debug, trace': (
        "{VARIABLE}={shown:?} is unknown and ignored: it must be one of {allowed}",
    ),
}

# Messages of the Python package, whose tests provoke them.
IN_PYTHON = (
    "uWSGI runs no Python threads, so no callback would run between requests: start it with "
    "--enable-threads",
)

# The messages about a server that ends or freezes.
OF_THE_SERVER = ("the server closed the connection without a close frame", "heartbeat")


def login():
    return server().rest.login("reader@example.com", "reader-password")["access_token"]


def starts(message, beginnings):
    return next((each for each in beginnings if message.startswith(each)), None)


class Troubleshooting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (folder() / "empty.pem").write_text("nothing")
        cls.trouble = build("trouble", "c", (HERE / "trouble.c").read_text(encoding="utf-8"))

    def assert_reported(self, message, text):
        whole = pattern(real(message)).removesuffix(r"\n")
        said = re.search(f"^{whole}(; next attempt in .* s)?$", text, re.MULTILINE)
        self.assertTrue(said, f"no {message!r} in:\n{text}")

    def longest_part(self, message):
        return max(real(message).split("…"), key=len)

    def test_each_documented_connection_error_is_reported_as_documented(self):
        expected = {each: starts(each, WAYS) for each in messages() if starts(each, WAYS)}
        self.assertEqual(set(WAYS), set(expected.values()), "each way belongs to a message")
        for message, way in expected.items():
            with self.subTest(message):
                words = [real(word) for word in WAYS[way]()]
                with run([self.trouble, *words]) as trouble:
                    until(trouble, self.longest_part(message))
                    trouble.hang_up()
                    self.assertEqual(trouble.status(), 0)
                    self.assert_reported(message, trouble.text)

    def test_a_frozen_and_a_killed_server_are_reported_as_documented(self):
        for beginning, break_it, repair_it, heartbeat in (
            ("heartbeat", server().freeze, server().thaw, "heartbeat=500"),
            (
                "the server closed the connection without a close frame",
                server().kill,
                server().start,
                "heartbeat=0",
            ),
        ):
            message = next(each for each in messages() if each.startswith(beginning))
            words = [real(word) for word in (URL, TOKEN, heartbeat)]
            with self.subTest(message), run([self.trouble, *words]) as trouble:
                trouble.wait_for("connected")
                break_it()
                try:
                    until(trouble, beginning)
                finally:
                    repair_it()
                self.assert_reported(message, trouble.text)

    def test_each_documented_call_error_is_reported_as_documented(self):
        program = build("calls", "c", (HERE / "calls.c").read_text(encoding="utf-8"))
        with run([program]) as calls:
            self.assertEqual(calls.status(), 0, calls.text)
        others = (*WAYS, *IN_SOURCE, *IN_PYTHON, *OF_THE_SERVER)
        for message in messages():
            if not starts(message, others):
                with self.subTest(message):
                    self.assert_reported(message, calls.text)

    def test_the_other_documented_messages_are_in_the_source(self):
        sources = (ROOT / "src").rglob("*.rs")
        source = "".join(path.read_text(encoding="utf-8") for path in sources)
        # Join literals that continue on the next line.
        source = re.sub(r"\\\n\s*", "", source)
        for message, literals in IN_SOURCE.items():
            with self.subTest(message):
                self.assertTrue(message in messages(), "the page does not have it")
                for literal in literals:
                    self.assertTrue(f'"{literal}"' in source, f"{literal!r} is not in the source")

    def test_the_documented_messages_of_the_python_package_are_in_its_source(self):
        sources = (ROOT / "bindings" / "python" / "src").rglob("*.py")
        source = "".join(path.read_text(encoding="utf-8") for path in sources)
        # Join literals that continue on the next line.
        source = re.sub(r'"\n\s*"', "", source)
        for message in IN_PYTHON:
            with self.subTest(message):
                self.assertTrue(message in messages(), "the page does not have it")
                self.assertTrue(f'"{message}"' in source, "it is not in the source")


if __name__ == "__main__":
    unittest.main()
