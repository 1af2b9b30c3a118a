"""A relay in front of a server, whose connections a test can cut."""

import contextlib
import socket
import threading


class Relay:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lock = threading.Lock()
        self.pairs = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def is_used(self):
        with self.lock:
            return bool(self.pairs)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                try:
                    there = socket.create_connection(self.target)
                except OSError:
                    here.close()
                    continue
                pair = (here, there)
                with self.lock:
                    self.pairs.add(pair)
                for one, other in (pair, pair[::-1]):
                    threading.Thread(
                        target=self._pass, args=(pair, one, other), daemon=True
                    ).start()

    def _pass(self, pair, one, other):
        with contextlib.suppress(OSError):
            while chunk := one.recv(65536):
                other.sendall(chunk)
        self._end(pair)

    def _end(self, pair):
        with self.lock:
            self.pairs.discard(pair)
        for each in pair:
            # A thread may be reading from it.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def cut(self):
        """Ends all connections; new ones are accepted."""
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            self._end(pair)

    def close(self):
        self.listener.close()
        self.cut()
