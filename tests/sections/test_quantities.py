"""Durations, sizes and rates: how they may be written, what is refused, and that the schema says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import jsonschema
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import exporter
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.memory import MemorySettings
from exporter.sections.quantities import Duration, Rate, RateAMinute, Size
from exporter.settings.destination import Destination
from exporter.settings.tree import Settings

DURATION: TypeAdapter[float] = TypeAdapter(Annotated[float, Duration()])
SIZE: TypeAdapter[int] = TypeAdapter(Annotated[int, Size(above=0)])
RATE: TypeAdapter[float] = TypeAdapter(Annotated[float, Rate(above=0, most=1000)])
A_MINUTE: TypeAdapter[float] = TypeAdapter(Annotated[float, RateAMinute(above=0)])

READ: list[tuple[TypeAdapter[Any], object, float]] = [
    (DURATION, "0s", 0),
    (DURATION, 90, 90),
    (DURATION, 1.5, 1.5),
    (DURATION, "90", 90),
    (DURATION, "10s", 10),
    (DURATION, "500ms", 0.5),
    (DURATION, "1.5m", 90),
    (DURATION, "5m", 300),
    (DURATION, "2 h", 7200),
    (DURATION, "10S", 10),
    (DURATION, "500Ms", 0.5),
    (DURATION, "5M", 300),
    (DURATION, "5min", 300),
    (DURATION, "1 D", 86400),
    (DURATION, "7d", 604800),
    (DURATION, "0.5d", 43200),
    (DURATION, "2w", 1_209_600),
    (DURATION, ".5", 0.5),
    (DURATION, "1e3", 1000),
    (SIZE, 1048576, 1048576),
    (SIZE, "1048576", 1048576),
    (SIZE, "16MiB", 16 * 1024**2),
    (SIZE, "16Mi", 16 * 1024**2),
    (SIZE, "16 mib", 16 * 1024**2),
    (SIZE, "2G", 2 * 1000**3),
    (SIZE, "1.5GB", 1_500_000_000),
    (SIZE, "5b", 5),
    (RATE, 300, 300),
    (RATE, "300", 300),
    (RATE, "0.5", 0.5),
    (RATE, "300/s", 300),
    (RATE, "100/10s", 10),
    (RATE, "100 / 10 s", 10),
    (RATE, "6/m", 0.1),
    (RATE, "3600/h", 1),
    (RATE, "600/min", 10),
    (RATE, "600/10 MIN", 1),
    (RATE, "3600/H", 1),
    (RATE, "1/500ms", 2),
    (A_MINUTE, 60, 60),
    (A_MINUTE, "60", 60),
    (A_MINUTE, "60/m", 60),
    (A_MINUTE, "1/s", 60),
    (A_MINUTE, "1/10s", 6),
]
REFUSED: list[tuple[TypeAdapter[Any], object]] = [
    *((DURATION, text) for text in ("", "d", "-1", -1, "1y", "1h30m", True, None, float("nan"), "٣d", 1e12, "1e12")),
    *((SIZE, text) for text in ("", "MiB", "-1", 0, "0", "0.5", "16ib", "1 parsec", "1MiB x", True, None, [1])),
    *((RATE, text) for text in ("", "/s", "0", "-1", "100/10", "1/0s", "1/s/s", "2/ms", "fast", True, None)),
]


@pytest.mark.parametrize(("kind", "written", "amount"), READ)
def test_what_is_read(kind: TypeAdapter[Any], written: object, amount: float) -> None:
    assert kind.validate_python(written) == amount
    jsonschema.validate(written, kind.json_schema())


@pytest.mark.parametrize(("kind", "written"), REFUSED)
def test_what_is_refused(kind: TypeAdapter[Any], written: object) -> None:
    with pytest.raises(ValidationError, match=r"should be (a duration, as 10|a size, as|a rate, as|more than|at )"):
        kind.validate_python(written)


def test_a_bound_is_told_in_its_unit() -> None:
    for kind, written, reason in (
        (DURATION, "40000d", "should be at most 3155760000 seconds"),
        (SIZE, "0.4 b", "should be more than 0 bytes"),
        (RATE, "1001/s", "should be at most 1000 a second"),
        (TypeAdapter(Annotated[float, Duration(least=0.005)]), "1ms", "should be at least 0.005 seconds"),
    ):
        with pytest.raises(ValidationError) as refused:
            kind.validate_python(written)
        assert refused.value.errors()[0]["msg"] == reason


def quantities(section: type[BaseModel], at: str = "") -> dict[str, type]:
    """What every key of a section, and of the sections in it, is read as."""
    found: dict[str, type] = {}

    def look(annotation: Any, place: str) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.update(quantities(annotation, f"{place}."))
        elif get_origin(annotation) is not None:
            for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
                if isinstance(part, Duration | Rate | Size):
                    found[place] = type(part)
                else:
                    look(part, place)

    for name, field in section.model_fields.items():
        look(field.rebuild_annotation(), f"{at}{name}")
    return found


def test_every_key_that_is_one_is_read_as_one() -> None:
    found = quantities(Settings) | quantities(Destination) | quantities(KafkaSettings)
    assert (
        found.items()
        >= {
            "drain": Duration,
            "max_event_bytes": Size,
            "memory": Size,
            "delivery.timeout": Duration,
            "delivery.retries": Duration,
            "delivery.retry_after_cap": Duration,
            "delivery.rate": Rate,
            "delivery.window.bytes": Size,
            "delivery.dead_letters_max_bytes": Size,
            "session_timeout": Duration,
            "commit_interval": Duration,
            "fetch_max_bytes": Size,
            "sasl.auth.timeout": Duration,
            "serve.rate": Rate,
            "serve.sync_rate": RateAMinute,
            "backfill.rate": Rate,
        }.items()
    )
    assert quantities(JournalSettings) == {"max_bytes": Size, "retain": Duration}
    assert quantities(MemorySettings) == {"max_bytes": Size}
    assert quantities(NatsSettings) == {"max_bytes": Size, "max_age": Duration, "lease": Duration}


def test_no_section_reads_a_number_with_a_fraction_otherwise() -> None:
    """A plain float is most often a time, a size or a rate."""
    package = Path(exporter.__file__).parent
    plain = [
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if re.search(r"^class \w+\(.*Section\)", text := file.read_text(encoding="utf-8"), re.MULTILINE)
        and re.search(r"^    \w+: (float|ByteSize)\b.* = Field\(", text, re.MULTILINE)
    ]
    assert plain == []
