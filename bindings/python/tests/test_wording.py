"""Messages of the library name the options of Python."""

from __future__ import annotations

import inspect
import re

import directus_realtime as dr
import pytest
from conftest import ROOT
from directus_realtime import Client, aio
from directus_realtime._errors import in_python

LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
FOREIGN = re.compile(r"\bdrt_\w+|\bDRT_(?!LOG\b)\w+|\w+_ms\b|\boptions\.\w+")


def messages() -> list[str]:
    """The texts in the library's source, except those of its C functions."""
    found: list[str] = []
    for path in sorted((ROOT / "src").rglob("*.rs")):
        if "ffi" in path.parts or "tests" in path.parts or path.stem == "tests":
            continue
        code = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
        code = re.sub(r"^\s*//.*$", "", code, flags=re.MULTILINE)
        found += [re.sub(r"\\\n\s*", "", text) for text in LITERAL.findall(code)]
    return found


def test_no_message_of_the_library_shows_a_c_name_in_python() -> None:
    named = [text for text in messages() if FOREIGN.search(text)]
    assert any("`heartbeat_ms`" in text for text in named)
    for text in named:
        assert not FOREIGN.search(in_python(text)), text


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("or set `heartbeat_ms` to less", "or set `heartbeat` to less"),
        ("`reconnect_max_ms` is", "`reconnect_max` is"),
        ("name its PEM file in `ca_file`", "name its PEM file in `ca_file`"),
        ("is /etc/heartbeat_ms a file?", "is /etc/heartbeat_ms a file?"),
    ],
)
def test_c_names_in_messages_become_those_of_python(theirs: str, ours: str) -> None:
    assert in_python(theirs) == ours


def test_messages_name_options_that_exist() -> None:
    options = set(inspect.signature(Client).parameters)
    assert set(inspect.signature(aio.Client).parameters) == options - {"thread"}
    subscribing = set(inspect.signature(Client.subscribe).parameters)
    # Words of the protocol, and options whose errors this package has found before.
    others = {"delivery", "events", "scope", "s", "client"}
    named = {name for text in messages() for name in re.findall(r"`(\w+)`", in_python(text))}
    assert {"heartbeat", "ca_file", "auth_mode", "queue_bytes"} < named
    assert named - others <= options | subscribing


def test_errors_and_states_name_the_options_of_python() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(dr.AuthenticationError) as error:
        client.wait(timeout=10)
    assert "`auth_mode` to public" in str(error.value)
    with pytest.raises(TypeError, match="no_such_option"):
        Client("http://127.0.0.1:9", no_such_option=1)  # type: ignore[call-arg]
    with Client("http://127.0.0.1:9") as client, pytest.raises(TypeError, match="filter"):
        client.subscribe("posts", print, filter={})  # type: ignore[call-arg]
