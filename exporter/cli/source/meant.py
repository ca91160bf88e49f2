"""Which bad records a command means: sources and flows by their names, records by either form of theirs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import typer

from exporter.cli.shared.destinations import refuse_unknown
from exporter.cli.source.way_in import WayIn
from exporter.sections.printable import printable
from exporter.state.bad_record import BadRecordFilter

#: An element of a batch as its sender was told of it; its letter has a colon before the index, as an element taken has.
_ELEMENT: Final = re.compile(r"([0-9]+:[0-9]+:[0-9]+)-([0-9]+)")

#: Counts the letters that a filter means.
Counting = Callable[[BadRecordFilter], int]


def letter_name(name: str) -> str:
    """The name of a letter, also where ``name`` is what the sender of a batch was told of a refused element."""
    element = _ELEMENT.fullmatch(name)
    return ":".join(element.groups()) if element is not None else name


def meant(which: BadRecordFilter, way_in: WayIn, count: Counting) -> BadRecordFilter:
    """``which``, its flow by id.

    Of what is configured no more there may be letters, so a source or flow is unknown where there is no letter either.

    Raises:
        typer.BadParameter: a source or flow is unknown, or several flows have the name; exits with 2.
    """
    if which.source is not None and which.source not in way_in.sources:
        _refuse_stranger(which.source, BadRecordFilter(source=which.source), way_in.sources, "source", count)
    if which.flow is None:
        return which
    flows = way_in.flows()
    if which.flow in flows:
        return which
    named = [id_ for id_, name in flows.items() if name == which.flow]
    if len(named) > 1:
        reason = f"{len(named)} flows have the name {printable(which.flow)}; name one by its id"
        raise typer.BadParameter(reason, param_hint="--flow")
    if named:
        return replace(which, flow=named[0])
    _refuse_stranger(which.flow, BadRecordFilter(flow=which.flow), tuple(flows.values()), "flow", count)
    return which


def _refuse_stranger(name: str, of_it: BadRecordFilter, known: Collection[str], what: str, count: Counting) -> None:
    if not count(of_it):
        refuse_unknown(name, tuple(known), f"--{what}", what)
