"""The tables of what was compared in pairs: medians, the least and the most, in wall and in CPU time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.brokers import KINDS
from benchmarks.pairs import BY_CPU, ENOUGH, NOISE
from benchmarks.peer.beside import JOURNAL, KAFKA, OF_THE_PEER, PEER
from benchmarks.tables import Records, Row, number, of, short, table

_THROUGHPUT = ", throughput"


def comparisons(records: Records) -> str:
    """Everything but the peer, a line for each two things."""
    rows = [
        (one, other, *_ratio(each, name), _pairs(each))
        for one, other, each, name in _compared(records)
        if name in each.get("spread", {})
    ]
    return table(("", "of", "wall time", "least to most", "CPU time", "least to most", "pairs"), rows)


def _compared(records: Records) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    """What is compared, with what, and the numbers that have the ratio of that name."""
    ratios = of(records, "transports", "clients", "ratios") or {}
    for name in ("lean of wrk", "aiohttp of wrk", "lean of aiohttp"):
        one, _, other = name.partition(" of ")
        yield f"{one} alone", other if other == "wrk" else f"{other} alone", ratios, name
    for kind in KINDS:
        for what, each in (of(records, f"end to end {kind}") or {}).items():
            if what.endswith(_THROUGHPUT):
                for name in each.get("spread", {}):
                    if not name.endswith(BY_CPU):
                        yield f"{kind}, {what.removesuffix(_THROUGHPUT)}", name.removeprefix("of "), each, name
    yield "two shards", "one", of(records, "shards", "shards", "times") or {}, "two of one"


def peer(records: Records) -> str:
    """The peer, and the exporter beside it."""
    rows: list[Row] = []
    for client, words in ((PEER, "the peer"), (JOURNAL, "exporter, from the journal"), (KAFKA, "exporter, from Kafka")):
        each = of(records, "peer", client)
        if each:
            ratio = _ratio(each, OF_THE_PEER) if OF_THE_PEER in each else [""] * 4
            rates = number(each["deliveries a second"]), number(each["deliveries a CPU second"])
            rows.append((words, *rates, number(each["peak RSS MB"]) + " MB", *ratio))
    head = ("", "deliveries a second", "a CPU second", "peak RSS", OF_THE_PEER, "least to most")
    beside = of(records, "peer", JOURNAL)
    note = (
        f"Pairs: {_pairs(beside)}. The exporter: {records['peer'].machine.get('exporter', '')}.\n\n" if beside else ""
    )
    return note + table((*head, f"{OF_THE_PEER}{BY_CPU}", "least to most"), rows)


def _ratio(numbers: Mapping[str, Any], name: str) -> list[str]:
    """The median and the spread of a ratio in wall time, then in CPU time."""
    cells = []
    for each in (name, f"{name}{BY_CPU}"):
        least, most = numbers["spread"][each]
        cells += [f"{short(numbers[each])}{noise(numbers[each])}", f"{short(least)} to {short(most)}"]
    return cells


def noise(ratio: float) -> str:
    """What stands behind a ratio that says of two things only that they do not differ."""
    return " (noise)" if abs(ratio - 1) < NOISE else ""


def _pairs(numbers: Mapping[str, Any]) -> str:
    """How many there were, and whether that is too few to claim anything."""
    count: int = numbers["pairs"]
    return str(count) if count >= ENOUGH else f"{count}, too few"
