"""Logs: JSON for machines, text for people, never a secret or a body (contract.md#operation)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from exporter.sections.section import FromFile, Secret
from exporter.telemetry.logs import Log, configure, guarded
from exporter.telemetry.threshold import Level, Threshold


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before


def made(*, tty: bool = False, level: Level = "info") -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return configure(stream, tty, level), stream


def line(stream: io.StringIO) -> dict[str, Any]:
    [text] = stream.getvalue().splitlines()
    parsed = orjson.loads(text)
    assert isinstance(parsed, dict)
    return parsed


def test_a_line_for_machines() -> None:
    log, stream = made()
    log.bind(destination="crm").warning("paused", reason="unreachable", seconds=1.5, tries=None)
    shown = line(stream)
    assert list(shown)[:3] == ["timestamp", "level", "event"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(shown.pop("timestamp"))).total_seconds()) < 3600
    assert shown == {
        "level": "warning",
        "event": "paused",
        "destination": "crm",
        "reason": "unreachable",
        "seconds": 1.5,
        "tries": None,
    }


def test_a_line_for_people() -> None:
    log, stream = made(tty=True)
    log.info("ready", destination="crm")
    assert "\x1b[" in stream.getvalue()
    stream = io.StringIO()
    configure(stream, True, "info", colours=False).info("ready", destination="crm", text="a\x1b[2Jb\nc")
    shown = stream.getvalue()
    assert "ready" in shown
    assert "destination=crm" in shown
    assert "\x1b" not in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("tty", [False, True])
def test_levels(tty: bool) -> None:
    log, stream = made(tty=tty, level="warning")
    log.debug("one")
    log.info("two")
    assert stream.getvalue() == ""
    log.error("three")
    assert "three" in stream.getvalue()


@dataclass
class _WithBody:
    token: str = field(repr=False)
    name: str


SECRET = "hunter2"


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        Secret(SECRET),
        {"deep": [Secret(SECRET)]},
        (Secret(SECRET),),
        {Secret(SECRET)},
        {Secret(SECRET): 1},
        SECRET.encode(),
        bytearray(SECRET.encode()),
        memoryview(SECRET.encode()),
        _WithBody(SECRET, "shown"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_secrets_and_bodies_are_not_shown(value: object, tty: bool) -> None:
    log, stream = made(tty=tty)
    log.info("look", value=value)
    assert "look" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_what_came_from_a_file_is_masked(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    log, stream = made()
    log.info("look", value=FromFile.read(tmp_path / "token"))
    assert line(stream)["value"] == "**********"


def test_plain_data_is_kept() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": ("d",)}, 3: {"z", "y"}}
    assert guarded(value) == {"a": [1, 2.5, None, True, "x"], "b": {"c": ["d"]}, "3": ["y", "z"]}
    assert guarded(b"12345") == "<5 bytes>"


@pytest.mark.parametrize("tty", [False, True])
def test_an_exception_is_shown_without_its_variables(tty: bool) -> None:
    log, stream = made(tty=tty)

    def fail() -> None:
        local_token = "hunter" + "2"
        raise ValueError(f"{len(local_token)} characters")

    try:
        fail()
    except ValueError:
        log.exception("bug")
    shown = stream.getvalue()
    assert "ValueError: 7 characters" in shown
    assert SECRET not in shown


def test_libraries_speak_through_us_from_warning_up() -> None:
    _, stream = made()
    logging.getLogger("aiohttp.access").info("GET /")
    assert stream.getvalue() == ""
    logging.getLogger("asyncio").warning("slow %s", "callback")
    shown = line(stream)
    assert (shown["event"], shown["logger"], shown["level"]) == ("slow callback", "asyncio", "warning")
    try:
        raise KeyError("ada@example.com")
    except KeyError:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "127.0.0.1")
    shown = orjson.loads(stream.getvalue().splitlines()[-1])
    assert (shown["event"], shown["detail"]) == ("Error handling request from 127.0.0.1", "KeyError")
    assert shown["trace"][0].startswith("test_logs.py:")
    assert "ada@" not in stream.getvalue()
    before = stream.getvalue()
    _, second = made()
    logging.getLogger("asyncio").error("once")
    assert stream.getvalue() == before, "a second configuration takes the first one's place"
    assert line(second)["event"] == "once"


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    configure(Broken(), False, "info").info("ready")
    closed = io.StringIO()
    closed.close()
    configure(closed, False, "info").info("ready")


def test_a_threshold_takes_effect_on_loggers_that_are_there_already() -> None:
    stream, threshold = io.StringIO(), Threshold("warning")
    log = configure(stream, False, threshold)
    bound = log.bind(destination="crm")
    bound.info("one")
    logging.getLogger("library").warning("two")
    threshold.level = "info"
    bound.info("three")
    threshold.level = "error"
    bound.warning("four")
    logging.getLogger("library").warning("five")
    bound.error("six")
    assert [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["two", "three", "six"]
