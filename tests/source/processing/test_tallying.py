"""What is counted of the records of a transaction: sums that agree with the records one by one."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from processing_parts import catalogue, taken

from exporter.messages.message import Message
from exporter.source.collection.taken import TakenRecord
from exporter.source.collection.wish import Wish, WishKind
from exporter.source.processing.examined import Aside, Bad, BadReason
from exporter.source.processing.places import Place
from exporter.source.processing.tallying import Tallying
from exporter.source.profiles.merge.steps import Deletion, Outcome
from exporter.source.profiles.tally import HOUR_MS, OUTPUT, Fate, Tally, hour_of
from exporter.source.records import Identity

NOW = 500_000 * HOUR_MS + 1000
CATALOGUE = catalogue()
MESSAGE = Message("0", 1, b"", 0.0)
STEP = Deletion("1:0:0", 1, Identity("key", "a"))
STEPPED = {"created": Outcome.CREATED, "applied": Outcome.TOLD, "unchanged": Outcome.UNCHANGED}
OUTCOMES = (*OUTPUT, *get_args(BadReason))


def place(outcome: str, record: TakenRecord | Wish | None) -> Place:
    """A place that is to come to ``outcome``; its step only has to be one."""
    if outcome in STEPPED:
        return Place(MESSAGE, record, None, STEP, CATALOGUE)
    examined = Aside() if outcome == "aside" else Bad(outcome, "")  # type: ignore[arg-type]
    return Place(MESSAGE, record, examined, None, CATALOGUE)


def tallied(*places: tuple[str, TakenRecord | Wish | None]) -> tuple[Tally, Counter[str]]:
    """What is counted for the store, and what for the metrics."""
    tallying = Tallying([place(*each) for each in places], {"n": 1}, lambda: NOW / 1000)
    stepped = [outcome for outcome, _ in places if outcome in STEPPED]
    tally = tallying([STEPPED[outcome] for outcome in stepped])
    return tally, Counter({f"{flow} {outcome}": count for (flow, outcome), count in tallying.became.items()})


RECORDS = st.builds(
    lambda body, flow, dataset, ago, again: replace(
        taken({"a": "x" * body}, flow=flow, dataset=dataset, at=NOW - ago), again=again
    ),
    st.integers(0, 5), st.sampled_from(["f", "g", ""]), st.sampled_from("de"),
    st.sampled_from([-5, 0, 1, 900, 1000, 1001, HOUR_MS]), st.sampled_from([False, False, True]),
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), RECORDS)))
def test_sums_are_of_the_records(places: list[tuple[str, TakenRecord]]) -> None:
    tally, became = tallied(*places)
    groups: dict[tuple[int, str, str, str], list[TakenRecord]] = {}
    for outcome, record in places:
        if not record.again:
            groups.setdefault((hour_of(record.taken), record.flow, record.dataset, outcome), []).append(record)
    parts = {(each.hour, each.flow, each.dataset, each.outcome): each for each in tally.parts}
    assert (tally.counters, len(parts)) == ({"n": 1}, len(tally.parts))
    assert parts.keys() == groups.keys()
    for key, part in parts.items():
        records = groups[key]
        times = [record.taken for record in records]
        waits = [max(0, NOW - at) for at in times]
        assert (part.records, part.bytes) == (len(records), sum(len(record.body) for record in records))
        assert (part.first, part.last, part.counted) == (min(times), max(times), NOW)
        assert (part.fastest, part.slowest) == (min(waits), max(waits))
        assert part.waited == max(0, NOW * len(times) - sum(times))

    def fates(again: bool) -> list[Fate]:
        return [
            Fate(record.xaction_id, hour_of(record.taken), record.flow, record.dataset, outcome, len(record.body), NOW)
            for outcome, record in places
            if record.again == again and (again or outcome not in OUTPUT)
        ]

    assert (tally.failed, tally.again) == (fates(False), fates(True))
    assert became == Counter(
        f"{record.flow} {'applied' if outcome == 'created' else outcome if outcome in OUTPUT else 'bad'}"
        for outcome, record in places
    )  # what comes again becomes something again


def test_wishes_are_no_records_and_what_is_none_of_ours_is_of_no_flow() -> None:
    wish = Wish(WishKind.DELETE, "3:0:0", 3, "key", "a")
    tally, became = tallied(
        ("applied", wish), ("unchanged", taken({})), ("bug", None), ("bug", wish), ("xdm", taken({}))
    )
    assert [(each.outcome, each.records) for each in tally.parts] == [("unchanged", 1), ("xdm", 1)]
    assert became == {"raw unchanged": 1, " bad": 2, "raw bad": 1}
