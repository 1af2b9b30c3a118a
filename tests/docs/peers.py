"""Peers that are no Directus, on loopback: they answer with fixed bytes, or speak TLS before
a real server. They live until the tests end."""

import asyncio
import base64
import functools
import hashlib
import re
import ssl
import subprocess
import threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


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
def answering(text):
    """A peer that answers the first request so, and closes."""

    async def answer(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text.replace("\n", "\r\n").encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    return listen(answer)


@functools.cache
def alerting(alert):
    """A peer that ends the TLS handshake with this fatal alert."""

    async def serve(reader, writer):
        await reader.read(65536)
        writer.write(bytes([21, 3, 3, 0, 2, 2, alert]))
        writer.close()

    return listen(serve)


@functools.cache
def closing():
    """A WebSocket server that says goodbye at once, and not why."""

    async def close(reader, writer):
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = re.search(r"sec-websocket-key: (\S+)", request, re.IGNORECASE)[1]
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
            upgrade = "Upgrade: websocket\r\nConnection: Upgrade"
            head = f"HTTP/1.1 101 Yes\r\n{upgrade}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            writer.write(head.encode() + b"\x88\x00")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    return listen(close)


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
    """A peer that takes TLS off before a server, with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    return listen(serve, ssl=context)


def make_certificates(folder):
    """authority.pem, and of it localhost.pem and expired.pem with localhost.key."""
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
