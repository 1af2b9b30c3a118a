"""Endpoints on loopback that are not Directus: they answer with fixed bytes, or put TLS in front
of a real server. They run until the tests end."""

import asyncio
import atexit
import functools
import ssl
import subprocess
import sys
import threading

from blocks import ROOT

sys.path.append(str(ROOT / "tests" / "scripted_server"))

from scripted_server import ScriptedServer


@functools.cache
def loop():
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, daemon=True).start()
    return made


def listen(serve, **options):
    """The port on which `serve(reader, writer)` takes connections."""

    async def start():
        listening = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
        return listening.sockets[0].getsockname()[1]

    return asyncio.run_coroutine_threadsafe(start(), loop()).result()


@functools.cache
def scripted(**script):
    """The port of a scripted WebSocket server."""
    server = ScriptedServer(**script)
    atexit.register(server.close)
    return server.port


def answering(text):
    """An endpoint that answers each request with this text, and closes."""
    return scripted(refuse=text.replace("\n", "\r\n"))


def closing():
    """A WebSocket server that closes without a reason."""
    return scripted(withhold=("auth",), on_message=close)


def close(message, link):
    link.close()


@functools.cache
def alerting(alert):
    """An endpoint that ends the TLS handshake with this fatal alert."""

    async def serve(reader, writer):
        await reader.read(65536)
        writer.write(bytes([21, 3, 3, 0, 2, 2, alert]))
        writer.close()

    return listen(serve)


async def pump(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def tls_before(port, chain, key):
    """A TLS endpoint in front of a server, with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    return listen(serve, ssl=context)


def make_certificates(folder):
    """Makes authority.pem, and signs localhost.pem and expired.pem, both with localhost.key."""
    (folder / "extensions").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    sign = "x509 -req -in request -CA authority.pem -CAkey authority.key -extfile extensions"
    for command in (
        f"req -x509 {key} -keyout authority.key -out authority.pem -days 2 -subj /CN=Tests",
        f"req {key} -keyout localhost.key -out request -subj /CN=localhost",
        f"{sign} -set_serial 2 -days 2 -out localhost.pem",
        f"{sign} -set_serial 3 -days -1 -out expired.pem",
    ):
        subprocess.run(
            ["openssl", *command.split()], cwd=folder, check=True, stderr=subprocess.DEVNULL
        )
