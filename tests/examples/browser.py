"""Headless Chromium, driven by the DevTools protocol over a pipe.

The pipe is also the child guard: Chromium ends when the other end is closed for any reason.
"""

import base64
import json
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress

TIMEOUT = 60
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--remote-debugging-pipe",
]
# Chromium reads the protocol from descriptor 3 and writes it to 4.
PIPED = ["sh", "-c", 'exec "$@" 3<&0 4>&1 </dev/null >&2', "sh"]


def find_chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise AssertionError(
            "the web page is tested in Chromium, which is not in PATH: "
            "install Debian's package `chromium`"
        )
    return found


class Browser:
    """One page in a browser that keeps all its files in `folder`."""

    def __init__(self, folder, width=1000, height=700):
        own = {"HOME": str(folder), "TMPDIR": str(folder), "TZ": "UTC", "LANG": "C.UTF-8"}
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "DISPLAY"):
            own[name] = ""
        with open(folder / "chromium.log", "wb") as log:
            self.process = subprocess.Popen(
                [*PIPED, find_chromium(), *FLAGS, f"--user-data-dir={folder / 'profile'}"],
                env={**os.environ, **own},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.log = folder / "chromium.log"
        self.answers = {}
        self.more = threading.Condition()
        self.ended = False
        self.last = 0
        self.session = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
            self.session = attached["sessionId"]
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.ask("Emulation.setDeviceMetricsOverride", **size)
        except BaseException:
            self.close()
            raise

    def _read(self):
        rest = b""
        while chunk := os.read(self.process.stdout.fileno(), 1 << 20):
            *messages, rest = (rest + chunk).split(b"\0")
            with self.more:
                for message in map(json.loads, messages):
                    # Ignore events, which have no id.
                    if "id" in message:
                        self.answers[message["id"]] = message
                self.more.notify_all()
        with self.more:
            self.ended = True
            self.more.notify_all()

    def ask(self, method, **params):
        """Sends a command, and returns the result."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\0")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(self._no_answer(method)) from None
        with self.more:
            come = self.more.wait_for(lambda: self.ended or self.last in self.answers, TIMEOUT)
            if not come or self.last not in self.answers:
                raise AssertionError(self._no_answer(method))
            answer = self.answers.pop(self.last)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _no_answer(self, method):
        said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
        return f"Chromium has not answered {method}. It said:\n{said}"

    def open(self, url):
        failure = self.ask("Page.navigate", url=url).get("errorText")
        if failure is not None:
            raise AssertionError(f"{url}: {failure}")

    def evaluate(self, script):
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, script, timeout=TIMEOUT):
        """Waits until an expression is true in the page."""
        deadline = time.monotonic() + timeout
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                shown = self.evaluate("document.body.innerText")
                raise AssertionError(f"never true: {script}\nthe page says:\n{shown}")
            time.sleep(0.05)

    def screenshot(self):
        """The visible page, as a PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def close(self):
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(timeout=15)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
