"""Values to the types of a schema, by a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from dataprep_runs import BOUNDS, NOW, chance, standing

from exporter.source.dataprep.coercions import coercion
from exporter.source.dataprep.run import Failed, Run
from exporter.source.xdm.fields import Field, Kind

MOMENT = datetime(2019, 10, 23, 11, 24, 35, 797000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "coerced"),
    [
        *((Kind.BOOLEAN, value, True) for value in ("y", "yes", "Y", "YES", "on", "ON", "true", "TRUE", True)),
        *((Kind.BOOLEAN, value, False) for value in ("n", "N", "no", "NO", "off", "OFF", "false", "FALSE", False)),
        (Kind.STRING, "x", "x"),
        (Kind.STRING, 12, "12"),
        (Kind.STRING, 2.5, "2.5"),
        (Kind.STRING, True, "true"),
        (Kind.STRING, MOMENT, "2019-10-23T11:24:35Z"),
        (Kind.INTEGER, "12", 12),
        (Kind.INTEGER, " 12 ", 12),
        (Kind.INTEGER, 12.0, 12),
        (Kind.INTEGER, "12.0", 12),
        (Kind.INTEGER, 2**64 - 1, 2**64 - 1),
        (Kind.NUMBER, "2.5", 2.5),
        (Kind.NUMBER, "1e3", 1000.0),
        (Kind.NUMBER, 3, 3),
        (Kind.DATE, "2019-10-23", "2019-10-23"),
        (Kind.DATE, "10/23/2019", "2019-10-23"),
        (Kind.DATE, "2019-10-23T23:00:00-05:00", "2019-10-23"),
        (Kind.DATE, MOMENT, "2019-10-23"),
        (Kind.DATE, 1571829875000, "2019-10-23"),
        (Kind.DATE_TIME, "2019-10-23T11:24:35.797+02:00", "2019-10-23T11:24:35.797+02:00"),
        (Kind.DATE_TIME, "2019-10-23 11:24:35.797", "2019-10-23T11:24:35.797Z"),
        (Kind.DATE_TIME, "2019-10-23 11:24:35+0200", "2019-10-23T09:24:35Z"),
        (Kind.DATE_TIME, "2019/10/23", "2019-10-23T00:00:00Z"),
        (Kind.DATE_TIME, 1571829875797, "2019-10-23T11:24:35.797Z"),
        (Kind.DATE_TIME, MOMENT, "2019-10-23T11:24:35Z"),
        (Kind.ANY, MOMENT, "2019-10-23T11:24:35Z"),
        (Kind.ANY, None, None),
        (Kind.OBJECT, {"x": 1}, {}),
        (Kind.MAP, {"x": 1}, {"x": 1}),
        (Kind.ARRAY, [1, None], [1, None]),
    ],
)
def test_what_becomes_what(kind: Kind, value: Any, coerced: Any) -> None:
    found = coercion(Field(kind), False)(Run({}, NOW, chance, standing, BOUNDS), value)
    assert found == coerced
    assert type(found) is type(coerced)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.BOOLEAN, "Yes", "text can't become a boolean"),
        (Kind.BOOLEAN, 1, "a number can't become a boolean"),
        (Kind.STRING, [], "an array can't become text"),
        (Kind.INTEGER, "2.5", "the number is not whole"),
        (Kind.INTEGER, True, "a boolean can't become a number"),
        (Kind.INTEGER, 2**64, "the number has more than 64 bits"),
        (Kind.NUMBER, "", "text can't become a number"),
        (Kind.NUMBER, float("nan"), "the number is infinite or none"),
        (Kind.DATE, "23.10.19", "text can't become a date"),
        (Kind.DATE, True, "a boolean can't become a date"),
        (Kind.DATE_TIME, "yesterday", "text can't become a date and time"),
        (Kind.DATE_TIME, 10**18, "a number can't become a date and time"),
        (Kind.OBJECT, "x", "text can't become an object"),
        (Kind.MAP, [1], "an array can't become an object"),
        (Kind.ARRAY, "x", "text can't become an array"),
        (Kind.ANY, 10**400, "the number has more than 64 bits"),
    ],
)
def test_what_becomes_nothing(kind: Kind, value: Any, reason: str) -> None:
    with pytest.raises(Failed) as caught:
        coercion(Field(kind), False)(Run({}, NOW, chance, standing, BOUNDS), value)
    assert str(caught.value) == reason
