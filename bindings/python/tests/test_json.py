"""Values without a JSON type are sent as text, or are refused."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import enum
import json
import sqlite3
import types
import uuid
from collections import OrderedDict
from typing import Any

import directus_realtime as dr
import pytest
from conftest import until
from directus_realtime import Client
from directus_realtime._json import dump
from log import Log

D = decimal.Decimal
ZONE = datetime.timezone(datetime.timedelta(hours=2))
UUID = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")


class Colour(enum.Enum):
    RED = "red"


class Word(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime.date(2026, 2, 3), "2026-02-03"),
        (datetime.time(4, 5, 6), "04:05:06"),
        (datetime.datetime(2026, 2, 3, 4, 5, 6), "2026-02-03T04:05:06"),
        (datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=ZONE), "2026-02-03T04:05:06+02:00"),
        (D("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (D("1E+3"), "1000"),
        (D("-0.10"), "-0.10"),
        (D("1E+1000"), "1E+1000"),
        (UUID, "01234567-89ab-cdef-0123-456789abcdef"),
        ((1 << 53) - 1, (1 << 53) - 1),
        (1 << 53, "9007199254740992"),
        (-(1 << 64), "-18446744073709551616"),
        (Word.RED, "red"),
        ((1, 2.5, None, True), [1, 2.5, None, True]),
        (types.MappingProxyType({"a": OrderedDict(b=UUID)}), {"a": {"b": str(UUID)}}),
        ({1: "a", UUID: "b"}, {"1": "a", str(UUID): "b"}),
    ],
)
def test_a_value_without_a_json_type_is_written_without_loss(value: Any, written: Any) -> None:
    assert json.loads(dump({"value": [value]}, "query")) == {"value": [written]}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({1}, "a set has no order: make it a list"),
        (b"x", "bytes has no form in JSON: decode it, or use Base64"),
        (datetime.timedelta(1), "a timedelta has no form in JSON"),
        (float("nan"), "nan is not a number in JSON"),
        (float("-inf"), "-inf is not a number in JSON"),
        (D("NaN"), "NaN is not a number in JSON"),
        (Colour.RED, "Colour.RED is an enum: give its value"),
        (object(), "object has no form in JSON"),
        (range(3), "range has no form in JSON"),
        ({None: 1}, "names must be str, not NoneType: None"),
        ({True: 1}, "names must be str, not bool: True"),
    ],
)
def test_an_error_says_where_the_value_stands_that_json_cannot_hold(value: Any, why: str) -> None:
    with pytest.raises(dr.InvalidArgumentError) as error:
        dump({"filter": {"_and": [1, value]}}, "query")
    assert f"query['filter']['_and'][1] cannot be written as JSON: {why}" in str(error.value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["itself"] = value
    with pytest.raises(dr.InvalidArgumentError, match="contains itself"):
        dump(value, "message")
    with pytest.raises(dr.InvalidArgumentError, match="Unicode"):
        dump({"text": "\ud800"}, "message")


FIELDS = {
    "day": ("date", datetime.date(2026, 2, 3), "2026-02-03"),
    "hour": ("time", datetime.time(4, 5, 6), "04:05:06"),
    "moment": ("dateTime", datetime.datetime(2026, 2, 3, 4, 5, 6), "2026-02-03T04:05:06"),
    "instant": (
        "timestamp",
        datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=ZONE),
        "2026-02-03T02:05:06.000Z",
    ),
    "price": ("decimal", D("1234.50"), 1234.5),
    "owner": ("uuid", UUID, str(UUID)),
    "big": ("bigInteger", (1 << 53) + 1, (1 << 53) + 1),
}


@pytest.fixture(scope="module")
def values(server: Any) -> Any:
    """A collection with a field of every type."""
    fields: list[dict[str, Any]] = [
        {"field": "id", "type": "integer", "schema": {"is_primary_key": True}, "meta": {}}
    ]
    fields += [
        {"field": name, "type": kind[0], "schema": {}, "meta": {}} for name, kind in FIELDS.items()
    ]
    server.rest.request(
        "POST",
        "/collections",
        {"collection": "py_values", "schema": {}, "meta": {}, "fields": fields},
    )
    yield "py_values"
    server.rest.request("DELETE", "/collections/py_values")


def test_the_server_accepts_converted_values_in_items_and_queries(
    server: Any, options: dict[str, Any], values: str
) -> None:
    log = Log()
    with Client(server.url, **options) as client:
        items = client.items(values)
        given = {name: value for name, (_, value, _) in FIELDS.items()}
        wanted = {name: value for name, (_, _, value) in FIELDS.items()}
        query = {"filter": {name: {"_eq": value} for name, value in given.items() if name != "big"}}
        client.subscribe(values, log, query=query).wait(30)
        made = items.create({"id": 1, **given})
        stored = server.rest.read(values)[0]
        # SQLite's driver rounds it when it is read; it was written without loss.
        with contextlib.closing(sqlite3.connect(server.folder / "data.db")) as database:
            ((stored["big"],),) = database.execute("SELECT big FROM py_values")
        assert stored == {"id": 1, **wanted}
        assert made["owner"] == str(UUID)
        assert [row["id"] for row in items.read(query)] == [1]
        until(lambda: "create" in log.types())
        items.update(1, {"price": D("0.10"), "day": datetime.date(2027, 1, 1)})
        assert items.read({"filter": {"price": {"_lt": D("0.2")}}})[0]["day"] == "2027-01-01"
        items.delete(1)
