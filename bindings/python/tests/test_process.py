"""Processes: signals, forks, exits and the library's loading."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import directus_realtime
import pytest
from directus_realtime import _library

SOURCES = Path(directus_realtime.__file__).parents[1]


def python(program: str, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program with all of Python's checks; warnings are errors."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program), *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=90,
        **more,
    )


def interruptible() -> None:
    """Called in the child: a process in the background ignores Ctrl-C by default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def started(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is killed at the end of the test."""
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def clean(result: subprocess.CompletedProcess[str]) -> str:
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def test_a_program_may_end_without_closing_anything(server: Any) -> None:
    program = """
        import sys, directus_realtime as dr
        from directus_realtime import aio
        dr.set_log(5, lambda *line: None)
        client = dr.Client(sys.argv[1], access_token="admin-static-token")
        client.subscribe("posts", lambda event: None).wait(30)
        scope = client.scope()
        other = aio.Client(sys.argv[1])
        print("over")
    """
    assert clean(python(program, server.url)) == "over\n"


def test_a_program_may_end_inside_a_callback(server: Any) -> None:
    program = """
        import sys, time, directus_realtime as dr
        client = dr.Client(sys.argv[1], access_token="admin-static-token")
        client.subscribe("posts", lambda event: time.sleep(60)).wait(30)
        print("over")
    """
    assert clean(python(program, server.url)) == "over\n"


def test_a_forked_child_gets_an_error_and_can_make_clients_of_its_own(server: Any) -> None:
    program = """
        import multiprocessing, sys, warnings, directus_realtime as dr
        warnings.simplefilter("ignore")  # of forks in programs with threads

        def follow():
            with dr.Client(sys.argv[1], access_token="admin-static-token") as client:
                client.subscribe("posts", lambda event: None).wait(30)

        def child(client):
            for call in (client.connect, client.unsubscribe_all, lambda: client.stats):
                try:
                    call()
                    print("no error")
                except dr.ForkedError:
                    pass
            client.close()
            follow()
            print("child", flush=True)

        client = dr.Client(sys.argv[1], access_token="admin-static-token")
        client.subscribe("posts", lambda event: None).wait(30)
        process = multiprocessing.get_context("fork").Process(target=child, args=(client,))
        process.start()
        process.join()
        assert process.exitcode == 0
        assert client.request({"type": "ping"})["type"] == "pong"
        client.close()
    """
    assert clean(python(program, server.url)) == "child\n"


def test_a_spawned_child_can_make_clients(server: Any, tmp_path: Path) -> None:
    program = tmp_path / "spawned.py"
    program.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys
            from directus_realtime import Client

            def child(url):
                with Client(url, access_token="admin-static-token") as client:
                    client.subscribe("posts", lambda event: None).wait(30)
                print("child", flush=True)

            if __name__ == "__main__":
                process = multiprocessing.get_context("spawn").Process(
                    target=child, args=(sys.argv[1],)
                )
                process.start()
                process.join()
                sys.exit(process.exitcode)
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    result = subprocess.run(
        [sys.executable, str(program), server.url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert clean(result) == "child\n"


@pytest.mark.parametrize(
    "blocks",
    [
        "client.run()",
        "client.wait('idle')",
        "client.request({'type': 'unheard of'}, timeout=60)",
        "subscription.wait()",
        "manual.run()",
    ],
)
def test_ctrl_c_interrupts_a_call_that_blocks(server: Any, blocks: str) -> None:
    program = f"""
        import logging, sys, directus_realtime as dr
        # The reason of `unconnected` is logged; nothing else may come on standard error.
        logging.getLogger("directus_realtime").addHandler(logging.NullHandler())
        manual = dr.Client(sys.argv[1], access_token="admin-static-token", thread=False)
        client = dr.Client(sys.argv[1], access_token="admin-static-token")
        client.wait(timeout=30)
        unconnected = dr.Client("http://127.0.0.1:9", access_token="t")
        subscription = unconnected.subscribe("posts", print)
        print("ready", flush=True)
        try:
            {blocks}
        except KeyboardInterrupt:
            print("interrupted")
    """
    command = [sys.executable, "-c", textwrap.dedent(program), server.url]
    with started(command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert (output, errors, process.returncode) == ("interrupted\n", "", 0)


def test_the_log_goes_to_logging_without_secrets(server: Any) -> None:
    program = """
        import logging, sys, directus_realtime as dr
        logging.basicConfig(level=1, stream=sys.stdout, format="%(name)s %(levelname)s %(message)s")
        dr.set_log(5)
        with dr.Client(sys.argv[1], access_token="admin-static-token") as client:
            client.subscribe("posts", lambda event: None).wait(30)
        dr.set_log(logging.CRITICAL)
    """
    output = clean(python(program, server.url))
    assert "directus_realtime." in output
    assert "admin-static-token" not in output


def test_an_import_error_says_what_is_wrong_with_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path) -> str:
        monkeypatch.setenv(_library.ENVIRONMENT, str(path))
        with pytest.raises(ImportError) as error:
            _library.load()
        return str(error.value)

    assert "was not found" in load(tmp_path / "missing.so")
    nonsense = tmp_path / "nonsense.so"
    nonsense.write_text("nonsense")
    assert f"cannot be loaded on {sysconfig.get_platform()}" in load(nonsense)
    for source, words in [
        ("int other(void) { return 0; }", "is not the directus_realtime library"),
        ("unsigned drt_abi_version(void) { return 7u << 16; }", "has the ABI 7.0"),
    ]:
        built = tmp_path / f"{len(words)}.so"
        (tmp_path / "x.c").write_text(source)
        compiler = ["cc", "-shared", "-fPIC", "-o", str(built), str(tmp_path / "x.c")]
        subprocess.run(compiler, check=True)
        assert words in load(built)
