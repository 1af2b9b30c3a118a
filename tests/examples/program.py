"""Runs an example program for a test: types its input and waits for its output."""

import os
import signal
import subprocess
import threading
import time

TIMEOUT = 60


class Program:
    """Runs a command; `with` always ends it."""

    def __init__(self, command, token):
        self.text = ""
        self.more = threading.Condition()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "DIRECTUS_TOKEN": token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Otherwise a process started in the background ignores Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            with self.more:
                self.text += chunk.decode(errors="replace")
                self.more.notify_all()

    def wait_for(self, words, times=1, timeout=TIMEOUT):
        """Waits until it has printed the words that many times."""
        self.wait_until(lambda text: text.count(words) >= times, f"no {words!r}", timeout)

    def wait_until(self, condition, otherwise, timeout=TIMEOUT):
        """Waits until a condition holds for what it has printed."""
        deadline = time.monotonic() + timeout
        with self.more:
            while not condition(self.text):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{otherwise} in:\n{self.text}")
                self.more.wait(left)

    def forget(self):
        """Drops what was printed so far."""
        with self.more:
            self.text = ""

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hang_up(self):
        """Closes its standard input."""
        self.process.stdin.close()

    def interrupt(self):
        """Sends SIGINT, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def status(self):
        """Waits for its end, and returns its exit status."""
        status = self.process.wait(timeout=TIMEOUT)
        self.reader.join()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.stdout.close()
