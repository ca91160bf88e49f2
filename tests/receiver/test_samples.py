"""The samples are seeded, varied, and say rightly what becomes of them."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import orjson
import pytest

from exporter.profile.decision import Excluded, Fired
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import MappedSegment, Mapping
from exporter.profile.paths import parse_path
from exporter.profile.triggers import compile_triggers
from exporter.receiver.oracle import State
from exporter.receiver.samples import DESTINATION, MAPPED_ATTRIBUTES, MAPPED_SEGMENTS, Sample, samples, steady


@pytest.fixture
def mapping() -> Mapping:
    def segment(name: str) -> MappedSegment:
        return MappedSegment("ups", name, None, None, None, None, None)

    return Mapping(
        destination=DESTINATION,
        segments=tuple(segment(name) for name in MAPPED_SEGMENTS),
        attributes=tuple(parse_path(path) for path in MAPPED_ATTRIBUTES),
        segment_membership="all",
        identity_fields=("id",),
        include_segment_names=False,
        include_segment_timestamps=False,
        require_membership=True,
        triggers=frozenset({"segment", "identity", "attribute", "backfill"}),
    )


def some(count: int, seed: int = 0) -> list[Sample]:
    return list(islice(samples(40, seed=seed, now=lambda: 1_800_000_000.5), count))


def test_are_repeatable_and_differ_by_seed() -> None:
    assert some(300) == some(300)
    assert some(300) != some(300, seed=1)


def test_hold_every_kind() -> None:
    fates = Counter(sample.fate for sample in some(1000))

    assert set(fates) == {"exported", "no_trigger", "not_a_member", "other_destination", "malformed"}
    assert fates["malformed"] == 1
    assert fates["exported"] > 600
    clouds = sum("specversion" in orjson.loads(sample.body) for sample in some(1000))
    assert 50 < clouds < 300


def test_the_number_grows_within_each_profile() -> None:
    newest: dict[str, int] = {}
    for sample in some(1000):
        if sample.state is not None:
            assert sample.state.sequence == newest.get(sample.state.profile, 0) + 1
            newest[sample.state.profile] = sample.state.sequence


def fate(sample: Sample, mapping: Mapping) -> str:
    change = read(sample.body, 1 << 20)
    if not isinstance(change, Change):
        return "malformed"
    match compile_triggers(mapping)(change):
        case Fired():
            return "exported"
        case Excluded(reason):
            return reason
        case Malformed():
            return "malformed"


def test_the_core_decides_as_each_sample_says(mapping: Mapping) -> None:
    events = some(1000)

    assert [(sample.event_id, fate(sample, mapping)) for sample in events] == [
        (sample.event_id, sample.fate) for sample in events
    ]


def test_steady_ones_are_all_exported_and_tell_their_state(mapping: Mapping) -> None:
    payload = compile_payload(mapping)
    for sample in islice(steady(10, now=lambda: 1_800_000_000.5), 100):
        change = read(sample.body, 1 << 20)
        assert isinstance(change, Change)
        assert isinstance(compile_triggers(mapping)(change), Fired)
        body = payload(change)
        assert isinstance(body, bytes)
        loyalty = orjson.loads(body)["loyalty"]
        assert State(loyalty["loyaltyID"], loyalty["version"]) == sample.state
