"""Runs a program while a server that it follows makes a post."""

import contextlib
import os
import subprocess
import threading
import time

from packages import BARE
from scripted_server import ScriptedServer

#: Emulated processors are slow.
PATIENCE = 120
POST = {"id": 2, "title": "Breaking news"}
EXPECTED = ("connecting to ws://", "connected", "init", "create", "Breaking news")


@contextlib.contextmanager
def server():
    """One that makes a post whenever a client has subscribed to the posts."""

    def make_post(message, link):
        if message.get("type") == "subscribe":
            event = {"type": "subscription", "event": "create", "uid": message["uid"]}
            link.send({**event, "data": [POST]})

    with contextlib.closing(ScriptedServer(on_message=make_post)) as made:
        yield made


def assert_follows(command, env=BARE, cwd=None, ends=False):
    """A program like the README's prints its states, the snapshot and the post. With `ends`,
    it then ends by itself."""
    # Into a terminal C programs print line by line.
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [str(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = Output(ours)
    try:
        deadline = time.monotonic() + PATIENCE
        while not all(words in text.value for words in EXPECTED):
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                text.join()
                raise AssertionError(f"{command} {'ended' if ended else 'hangs'}:\n{text.value}")
            time.sleep(0.02)
        if ends:
            process.stdin.close()
            assert process.wait(PATIENCE) == 0, text.value
    finally:
        process.kill()
        process.wait()
        text.join()
        process.stdin.close()
        os.close(ours)


class Output:
    """What a process has printed so far."""

    def __init__(self, terminal):
        self.value = ""
        self._terminal = terminal
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        # A terminal that every process has left is an error to read.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._terminal, 65536):
                self.value += chunk.decode(errors="replace")

    def join(self):
        self._thread.join(PATIENCE)
