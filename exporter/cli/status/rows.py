"""A dataflow in a row: how it is, why nothing is sent, and how bad that is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from exporter.cli.shared.look.screen import Tone
from exporter.cli.shared.look.table import Cell, Column, Row, Toned
from exporter.cli.shared.status_text import duration_text, number_text
from exporter.cli.status.samples import Dataflow
from exporter.sections.printable import counted, printable
from exporter.telemetry.standing import Badness, Standing, badness, counts_here, failed_since_success, standing

COLUMNS: Final = (
    Column("DESTINATION", folds=16, eases=64),
    Column("STATE"),
    Column("LAG", right=True),
    Column("OLDEST", right=True, spare=2),
    Column("IN FLIGHT", right=True, spare=6),
    Column("LIMIT", right=True, spare=7),
    Column("DELIVERED/S", right=True, spare=3),
    Column("READ/S", right=True, spare=8),
    Column("EXCLUDED/S", right=True, spare=9),
    Column("RETRIES/S", right=True, spare=5),
    Column("DEAD", right=True, spare=1),
    Column("WHY", folds=20, eases=44, if_any=True),
)
#: Columns whose numbers make a sum.
_SUMS: Final = {
    "LAG": "lag_messages",
    "IN FLIGHT": "in_flight",
    "DELIVERED/S": "delivered_per_second",
    "READ/S": "received_per_second",
    "EXCLUDED/S": "excluded_per_second",
    "RETRIES/S": "retried_per_second",
}
_TONES: Final[dict[str, Tone]] = {"running": "good", "standby": "faint", "draining": "warning"}


def is_troubled(flow: Dataflow) -> bool:
    """Whether somebody should look at the dataflow: it is paused, cannot start, or has dead letters."""
    return standing_of(flow) in ("failing", "held") or flow["dead_letters"] > 0


def chosen(flows: Iterable[Dataflow], names: Collection[str], *, troubled: bool) -> list[Dataflow]:
    """The dataflows of ``names``, all for no names, with ``troubled`` only those of them that are."""
    return [
        flow for flow in flows if (not names or flow["destination"] in names) and (not troubled or is_troubled(flow))
    ]


def standing_of(flow: Dataflow) -> Standing:
    """How the dataflow stands."""
    return standing(flow["state"], flow["paused"], flow["last_failure"])


def _badness(flow: Dataflow) -> Badness:
    numbers = flow["oldest_pending_seconds"], flow["lag_messages"], flow["dead_letters"]
    return badness(standing_of(flow), *numbers, str(flow["destination"]))


def worst_first(flows: Iterable[Dataflow]) -> list[Dataflow]:
    """Those that send nothing before those that run, and of each kind those first that wait longest."""
    return sorted(flows, key=_badness)


def row(flow: Dataflow) -> Row:
    """The cells of a dataflow."""
    tone = _TONES.get(flow["state"], "bad" if standing_of(flow) == "failing" else "warning")
    dead = number_text(_dead_letters(flow))
    cells: dict[str, Cell] = {
        "DESTINATION": printable(str(flow["destination"])),
        "STATE": Toned(printable(str(flow["state"])), tone),
        "OLDEST": duration_text(flow["oldest_pending_seconds"]),
        "LIMIT": number_text(flow["concurrency"]),
        **{title: number_text(flow[key]) for title, key in _SUMS.items()},
        "DEAD": Toned(dead, "warning") if flow["dead_letters"] else dead,
        "WHY": Toned(why(flow), tone),
    }
    return [cells[column.title] for column in COLUMNS]


def _dead_letters(flow: Dataflow) -> int | None:
    """How many there are; None where that is not known."""
    return int(flow["dead_letters"]) if counts_here(flow["state"]) else None


def total(flows: Sequence[Dataflow]) -> Row:
    """The sums of all, of which there is one at least, and how many are in the worst state."""
    sums = {title: _sum(flow[key] for flow in flows) for title, key in _SUMS.items()}
    sums["DEAD"] = _sum(map(_dead_letters, flows))
    worst = str(min(flows, key=_badness)["state"])
    alike = sum(flow["state"] == worst for flow in flows)
    oldest = max((known for flow in flows if (known := flow["oldest_pending_seconds"]) is not None), default=None)
    cells = {
        "DESTINATION": f"total of {len(flows):,}",
        "STATE": worst if alike == len(flows) else f"{alike:,} {worst}",
        "OLDEST": duration_text(oldest),
        **sums,
    }
    return [cells.get(column.title, "") for column in COLUMNS]


def in_words(flows: Sequence[Dataflow]) -> str:
    """How many dataflows there are of each state, in a line: ``3 destinations: 1 paused, 2 running``."""
    states = Counter(str(flow["state"]) for flow in worst_first(flows))
    return f"{counted(len(flows), 'destination')}: {', '.join(f'{count} {state}' for state, count in states.items())}"


def why(flow: Dataflow) -> str:
    """What keeps the dataflow from sending, or has failed since something was delivered; empty for neither."""
    if flow["state"] == "starting" and flow["last_failure"]:
        return printable(flow["last_failure"])
    if not flow["paused"]:
        failed = failed_since_success(flow.get("last_success_at"), flow.get("last_failure_at"))
        return f"last failure: {printable(flow['last_failure'])}" if failed and flow["last_failure"] else ""
    line = printable(", ".join(flow["paused"]))
    if flow["next_probe_seconds"] is not None:
        line += f", next probe in {duration_text(flow['next_probe_seconds'])}"
    if flow["last_failure"] and flow["paused"] != ["operator"]:  # a pause by hand has no failure for its cause
        line += f": {printable(flow['last_failure'])}"
    if flow["paused_since"] is not None:
        line += f", paused for {duration_text(max(0.0, time.time() - flow['paused_since']))}"
    if (operator := flow.get("operator")) is None:
        return line
    return line + ("" if flow["paused"] == ["operator"] else "; paused by hand") + _by_hand(operator)


def _by_hand(operator: Dataflow) -> str:
    """Who paused the destination by hand, why, and what that holds back."""
    said = f" by {operator['by']}" if operator["by"] else " by an operator"
    said += f": {operator['why']}" if operator["why"] else ""
    return printable(said + (f"; warning: {operator['warning']}" if operator["warning"] else ""))


def _sum(numbers: Iterable[float | None]) -> str:
    known = [number for number in numbers if number is not None]
    return number_text(round(sum(known), 1)) if known else "?"
