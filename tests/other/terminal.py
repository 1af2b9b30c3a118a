"""Runs a program in a terminal of its own, in which it can be ended by Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "examples"))

from program import Program


class Terminal(Program):
    """Some runtimes see to Ctrl-C only in a terminal."""

    def __init__(self, command, environment):
        self.text = ""
        self.more = threading.Condition()
        self.master, terminal = os.openpty()
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: own(terminal),
        )
        os.close(terminal)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        # A terminal that nothing has open any more is an error.
        with contextlib.suppress(OSError):
            while chunk := os.read(self.master, 65536):
                with self.more:
                    self.text += chunk.decode(errors="replace").replace("\r\n", "\n")
                    self.more.notify_all()

    def interrupt(self):
        """Presses Ctrl-C."""
        os.write(self.master, b"\x03")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        os.close(self.master)


def own(terminal):
    """Makes it the terminal of this session, whose Ctrl-C reaches this process."""
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
