"""The documentation of all metrics, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.telemetry.families.destination import DESTINATION
from exporter.telemetry.families.family import Family
from exporter.telemetry.families.process import PROCESS, SYSTEM
from exporter.telemetry.families.source import SOURCE

_HEAD: Final = ("metric", "type", "unit", "labels", "meaning", "when to look")
_BEGINNING: Final = (
    "# Metrics",
    "What `/metrics` shows of `exporter run` (port 9464) and `exporter serve` (9465), in Prometheus' text format. How "
    "to have them scraped, and the alerts and the dashboard that come with the exporter, are in "
    "[monitoring.md](monitoring.md).",
    "This page is made from the code (`exporter/telemetry/families/`). No label takes a value that data could choose: "
    "where no values are listed, the configuration, an operator or the installation gives them. A counter begins at 0 "
    "with its process. A histogram has three series: `_bucket` with the label `le`, `_sum` and `_count`. A gauge is "
    "left out while its value is not known.",
)
_SECTIONS: Final[tuple[tuple[str, str, Mapping[str, Family]], ...]] = (
    (
        "Of each destination",
        "Shown by `exporter run`, and by a parent for all of its workers. All series are there from the start of the "
        "destination on, so that a first event shows as a rise from 0.",
        DESTINATION,
    ),
    (
        "Of the way in",
        "Shown by `exporter serve`. A series with a label appears with the first that it counts; what became of "
        "records is there for every flow from the start on.",
        SOURCE,
    ),
    (
        "Of the process",
        "Shown by both. Where several processes share the destinations (`--workers`, `--shard`), these carry `shard` "
        "as well, as in `2/4`; a parent of workers has none, and of these shows `exporter_build_info` and "
        "`exporter_log_lines_lost_total`.",
        PROCESS,
    ),
    ("Of any process", "Those of Prometheus' clients, on Linux, of both; with `shard` as above.", SYSTEM),
)


def metrics_page() -> str:
    """The page docs/metrics.md, as Markdown."""
    parts = [*_BEGINNING]
    for title, text, families in _SECTIONS:
        parts += [f"## {title}", text, _table(families)]
    return "\n\n".join(parts) + "\n"


def _table(families: Mapping[str, Family]) -> str:
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_row(family) for family in families.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(family: Family) -> tuple[str, ...]:
    labels = "; ".join(_label(name, values) for name, values in family.labels.items())
    meaning = f"{family.meaning} {family.note}".strip()
    return f"`{family.shown}`", family.kind, family.unit, labels, meaning, family.look


def _label(name: str, values: tuple[str, ...]) -> str:
    return f"`{name}`" + (": " + ", ".join(f"`{value}`" for value in values) if values else "")
