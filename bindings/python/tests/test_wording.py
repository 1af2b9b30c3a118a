"""Messages of the library can be shown in Python: they name its options, and no C function."""

from __future__ import annotations

import inspect
import re
from typing import Any

import directus_realtime as dr
import pytest
from conftest import ROOT
from directus_realtime import Client, aio
from directus_realtime._errors import in_python

LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
FOREIGN = re.compile(r"\bdrt_\w+|\bDRT_(?!LOG\b)\w+|\boptions\.\w+")


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


def test_no_message_of_the_library_shows_a_c_name() -> None:
    texts = messages()
    assert sum("`" in text for text in texts) > 10
    assert [text for text in texts if FOREIGN.search(text)] == []


def test_messages_name_options_that_exist() -> None:
    options = set(inspect.signature(Client).parameters)
    assert set(inspect.signature(aio.Client).parameters) == options - {"thread"}
    texts = [in_python(text) for text in messages()]
    names = {name for text in texts for name in re.findall(r"`([a-z]+_[a-z_]+|heartbeat)`", text)}
    methods = {name for name in dir(Client) if not name.startswith("_")}
    subscribing = set(inspect.signature(Client.subscribe).parameters)
    assert {"queue_bytes", "access_token", "heartbeat"} <= names
    assert names <= options | methods | subscribing


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "nowhere"}, "`url`"),
        ({"url": "https://h", "ca_file": "/no/such.pem"}, "`ca_file`"),
        ({"proxy": "ftp://x"}, "`proxy`"),
    ],
)
def test_an_error_has_the_sentence_of_the_library(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(dr.DirectusRealtimeError) as error:
        Client(**{"url": "http://127.0.0.1:9", **arguments})
    assert words in str(error.value)
    assert not FOREIGN.search(str(error.value))


def test_errors_and_states_name_the_options_of_python() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(dr.AuthenticationError) as error:
        client.wait(timeout=60)
    assert "set `auth_mode` to public" in str(error.value)
    with pytest.raises(TypeError, match="no_such_option"):
        Client("http://127.0.0.1:9", no_such_option=1)  # type: ignore[call-arg]
    with Client("http://127.0.0.1:9") as client, pytest.raises(TypeError, match="filter"):
        client.subscribe("posts", print, filter={})  # type: ignore[call-arg]
