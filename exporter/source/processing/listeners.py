"""Who hears of what becomes of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


def _unheard(_flow: str, _kinds: Sequence[str]) -> None:
    """Nobody asks what was worth a note."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who hears of what the processor does; none of them may raise.

    Attributes:
        became: what became of records, by their flow's id: applied, unchanged, aside or bad; and of how many.
        mapping_failed: mappings had no value for a record: its flow's id, and of what kind each error was.
        bug: an error of ours that made a record bad.
        told: events are in the outbox.
        warned: a record is good, and something of its identities worth a note: its flow's id, and the kinds.
    """

    became: Callable[[str, str, int], None]
    mapping_failed: Callable[[str, Sequence[str]], None]
    bug: Callable[[Exception], None]
    told: Callable[[], None]
    warned: Callable[[str, Sequence[str]], None] = _unheard
