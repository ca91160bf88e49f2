"""Writes the results into the marked places of a ``README.md``, and the plots beside the results."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.comparisons import comparisons, peer
from benchmarks.latency_tables import LATENCY_TABLES
from benchmarks.plots import write_plots
from benchmarks.tables import TABLES, Records
from benchmarks.targets import targets

_PLACE = re.compile(r"(<!-- begin: (?P<name>[a-z ]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)


def write_report(folder: Path, records: Records) -> list[str]:
    """Fill in ``folder/README.md`` and write the plots to ``folder/results``; notes for people.

    Raises:
        KeyError: the page has a place without a table.
    """
    page = folder / "README.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), records), encoding="utf-8")
    try:
        write_plots(folder / "results", records)
    except ImportError as missing:
        return [f"no plots: {missing} (pip install matplotlib, part of the extra dev)"]
    return []


def filled(text: str, records: Records) -> str:
    """``text`` with its places filled anew: between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``."""
    tables: Mapping[str, Callable[[Records], str]] = {
        **TABLES,
        **LATENCY_TABLES,
        "targets": targets,
        "comparisons": comparisons,
        "peer": peer,
    }
    return _PLACE.sub(lambda place: f"{place[1]}{tables[place['name']](records)}\n{place[3]}", text)
