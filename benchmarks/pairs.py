"""Two things compared: in pairs of runs, one right after the other, and what all pairs come to.

A machine is not equally quick for long. So a ratio is taken within a pair, the pairs of what is compared take turns,
and what counts is the median of the ratios, with the least and the most of them beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.processes import Failed

#: The end of the name of a ratio of what was done in a second of CPU time; the same name without it is of wall time.
BY_CPU = ", by CPU"
#: The fewest pairs of a claim.
ENOUGH = 7
#: The rates of the two things do not differ where the median is not further than this from 1.
NOISE = 0.05
#: The rates that are compared, in wall and in CPU time.
A_SECOND, A_CPU_SECOND = "deliveries a second", "deliveries a CPU second"


def compared(what: str, one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """The ratios of a pair by the names ``what`` and ``what, by CPU``.

    Raises:
        Failed: the other's rate is not above zero.
    """
    found = {}
    for name, rate in ((what, A_SECOND), (f"{what}{BY_CPU}", A_CPU_SECOND)):
        if not other[rate] > 0:
            raise Failed(f"{name}: no ratio to {other[rate]:g} {rate}")
        found[name] = one[rate] / other[rate]
    return found


def across(runs: Sequence[Mapping[str, float]], ratios: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The medians of the numbers of several runs, and of the ratios of their pairs, any of which may lack some.

    ``spread`` has the least and the most of each ratio, and ``pairs`` the number of pairs of the ratio that has fewest.
    """
    numbers: dict[str, Any] = {name: median(values) for name, values in _by_name(runs).items()}
    found = _by_name(ratios)
    numbers |= {name: median(values) for name, values in found.items()}
    if found:
        numbers["spread"] = {name: [min(values), max(values)] for name, values in found.items()}
        numbers["pairs"] = min(len(values) for values in found.values())
    return numbers


def _by_name(runs: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.items():
            found.setdefault(name, []).append(value)
    return found
