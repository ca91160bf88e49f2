"""The native projector says what the Python code says, byte for byte, or leaves the event to it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import pytest
from compiled_build import ROOT
from events_generated import EDITS, EVENTS, TIME_TEXTS, edited
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_generated import MAPPINGS, ODD_MAPPINGS, PROFILE_TEXTS, often_filtered
from profile_given import EXAMPLES, MIB, event, mapping, mapping_of, member, segments

from benchmarks.material import BODIES, Body, Events
from exporter.profile.decision import Decision, Excluded, Fired, Trigger
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import MappedSegment, Mapping
from exporter.profile.native.projector import Projected, compile_projector
from exporter.profile.triggers import compile_triggers
from exporter.receiver.samples import samples
from exporter.settings.destination import Destination

if TYPE_CHECKING:
    from exporter.profile.native.projection import Projector


def defined(mapped: Mapping, body: bytes, max_bytes: int = MIB) -> Projected | Decision:
    """What the Python code makes of an event."""
    change = read(body, max_bytes)
    if not isinstance(change, Change):
        return change
    decision = compile_triggers(mapped)(change)
    if not isinstance(decision, Fired):
        return decision
    document = compile_payload(mapped)(change)
    if isinstance(document, Malformed):
        return document
    occurred_at = (
        float("nan") if change.odd_time else change.occurred_at
    )  # an odd time is left to Python, to be counted
    return change.profile_id, change.id, occurred_at, document, change.joined


def agrees(native: type[Projector], mapped: Mapping, body: bytes) -> bool:
    """Whether the projector answers at all; what it answers is held to the definition."""
    project = compile_projector(mapped, MIB, native)
    found = project(body) if project is not None else None
    if found is None:
        return False
    expected = defined(mapped, body)
    assert repr(found) == repr(expected)
    return True


#: Destinations to which nearly everything is exported.
EAGER = st.builds(
    replace, MAPPINGS | ODD_MAPPINGS, require_membership=st.just(False), triggers=st.just(frozenset(get_args(Trigger)))
)


@settings(often_filtered, max_examples=500)
@given(MAPPINGS | ODD_MAPPINGS | EAGER, EVENTS)
def test_events_of_every_kind(native: type[Projector], mapped: Mapping, body: bytes) -> None:
    agrees(native, mapped, body)


@settings(often_filtered, max_examples=300)
@given(MAPPINGS | EAGER, EVENTS, EDITS)
def test_events_with_a_few_other_bytes(
    native: type[Projector], mapped: Mapping, body: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    agrees(native, mapped, edited(body, edits))


@settings(often_filtered, max_examples=500)
@given(TIME_TEXTS)
def test_times(native: type[Projector], time: str) -> None:
    agrees(
        native, mapping("s", require_membership=False), f'{{{BACKFILL},"profile":{{}},"occurredAt":{time}}}'.encode()
    )


@settings(often_filtered, max_examples=500)
@given(EAGER, PROFILE_TEXTS)
def test_profiles(native: type[Projector], mapped: Mapping, profile: str) -> None:
    agrees(native, mapped, profiled(profile))


# -- ordinary events are answered


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("size", [400, 1_000, 20_000])
@pytest.mark.parametrize("fires", [True, False])
def test_events_of_the_benchmarks(native: type[Projector], body: Body, size: int, fires: bool) -> None:
    named = {"name": "crm", "endpoint": "https://partner.example.com/profiles"}
    mapped = Destination.model_validate({**named, **body.mapping}).mapping({}, {})
    events = Events(replace(body, event_bytes=size), fires=fires)
    assert all(agrees(native, mapped, one.body) for one in events.backlog(20, 7))


def test_events_of_the_pages_and_the_demonstration(native: type[Projector]) -> None:
    text = "".join((ROOT / f"docs/{page}.md").read_text(encoding="utf-8") for page in ("tutorial", "events"))
    lines = [*text.splitlines(), *(ROOT / "config/compose/events.jsonl").read_text(encoding="utf-8").splitlines()]
    bodies = [line for line in lines if line.startswith('{"id"') and '"profileId"' in line]
    bodies += [block for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if '"profileId"' in block]
    assert len(bodies) == 5
    mapped = mapping("7841ba61-23c1-4bb3-a495-00d3g5fe1e93", "engaged-customers", attributes=("person.name", "loyalty"))
    assert [body for body in bodies if not agrees(native, mapped, body.encode())] == []


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.given.json")), ids=lambda file: file.name)
def test_events_of_the_examples(native: type[Projector], example: Any) -> None:
    body = json.loads(example.read_text(encoding="utf-8"))
    assert agrees(native, mapping_of(body), json.dumps(body["event"]).encode())


def test_the_receiver_s_samples(native: type[Projector]) -> None:
    """Nearly all but what is malformed."""
    bodies = [sample.body for sample in islice(samples(40, seed=1, now=lambda: 1_800_000_000.5), 500)]
    mapped = mapping("loyal", attributes=("loyalty", "person.name"))
    sound = [body for body in bodies if not isinstance(defined(mapped, body), Malformed)]
    assert any(b"specversion" in body for body in sound)
    assert sum(agrees(native, mapped, body) for body in sound) > 0.9 * len(sound)


# -- what is answered, and what is left to Python

SWITCHED = {"segment_membership": "mapped", "include_segment_names": True, "include_segment_timestamps": True}
NAMED = (MappedSegment("ups", "s", 'A "name"', 1, 2, 3, 4), MappedSegment("AAM", "s", None, 5), *segments("t"))
BACKFILL = '"profileId":"p","changes":{"backfill":true}'
ENTRY = '{"lastQualificationTime":"2022","status":"realized"}'


def profiled(profile: str) -> bytes:
    return f'{{{BACKFILL},"profile":{profile}}}'.encode()


@pytest.mark.parametrize(
    ("profile", "document"),
    [
        ('{"c":1.10,"a":{"b": "\\u0041","x":2}}', '{"a":{"b":"\\u0041"},"c":1.10}'),
        ('{"a":{"b":null},"c":{ }}', "{}"),
        ('{"a":[{"b":1}],"c":[ ]}', '{"c":[ ]}'),
        ('{"a":{"b":{"x" : [1e400, -0]}}}', '{"a":{"b":{"x" : [1e400, -0]}}}'),
        ('{"segmentMembership":{"ups":{}},"identityMap":{"ecid":[],"x":null,"y":[null,{}]}}', "{}"),
        (
            f'{{"segmentMembership":{{"x":{{"s":{ENTRY}}},"ups":{{"s":{{"version":1}},"u":{ENTRY},"t":{{}}}}}}}}',
            '{"segmentMembership":{"ups":{"s":{"createdAt":1,"updatedAt":2,"mappingCreatedAt":3,"mappingUpdatedAt":4,'
            '"name":"A \\"name\\""}}}}',
        ),
        (
            '{"identityMap":{"ecid":[{"primary":{},"id":"1"},{"id":"2","primary":null},{"primary":1,"x":2}]}}',
            '{"identityMap":{"ecid":[{"id":"1","primary":{}},{"id":"2"},{"primary":1}]}}',
        ),
    ],
)
def test_a_document(native: type[Projector], profile: str, document: str) -> None:
    switched: dict[str, Any] = {**SWITCHED, "require_membership": False, "identity_fields": ("id", "primary")}
    mapped = replace(mapping(attributes=("a.b", "c"), **switched), segments=NAMED)
    project = compile_projector(mapped, MIB, native)
    assert project is not None
    assert project(profiled(profile)) == ("p", None, None, document.encode(), ())
    assert agrees(native, mapped, profiled(profile))


def test_a_changed_order_and_whatever_is_not_known(native: type[Projector]) -> None:
    body = event(
        {"attributes": ["a"], "joined": ["é", "q"], "x": [1]},
        {"a": 1, **member("s")},
        occurredAt="2026-11-20T10:15:00.5+01:00",
    )
    for keys in (list(body), list(reversed(body))):
        text = json.dumps({key: body[key] for key in keys} | {"traceparent": None}, ensure_ascii=False, indent=1)
        assert agrees(native, mapping("s", attributes=("a",)), text.encode())


@pytest.mark.parametrize(
    "body",
    [
        *(
            "",
            " ",
            "{",
            "[]",
            "{}",
            '{"profileId":"p"}',
            '{"profileId":"","profile":{}}',
            '{"profileId":"p","profile":[]}',
        ),
        *(
            '{"profileId":"p","profile":{}} x',
            '\ufeff{"profileId":"p","profile":{}}',
            '{"profileId":"p","profile":{},}',
        ),
        '{"profileId":"p","profileId":"q","profile":{}}',
        '{"profileId":"p","\\u0069d":"q","profile":{}}',
        '{"profileId":"\\u0041","profile":{}}',
        '{"profileId":"p","id":"","profile":{}}',
        '{"specversion":"1.1","id":"e","data":{"profileId":"p","profile":{}}}',
        '{"specversion":"1.0","id":1,"data":{"id":"e","profileId":"p","profile":{}}}',
        '{"specversion":"1.0","subject":"","data":{"profile":{}}}',
        '{"specversion":"1.0","data":null}',
        *(f'{{"profileId":"p","profile":{{"x":{odd}}}}}' for odd in ("01", "1.", "+1", "nul", "NaN", '"\t"', '"\\x"')),
        *(
            f'{{"profileId":"p","profile":{{"x":{odd}}}}}'
            for odd in ('"\\ud800"', '"\\udc00\\ud800"', "[" * 65 + "]" * 65)
        ),
        *(
            f'{{"profileId":"p","changes":{odd},"profile":{{}}}}'
            for odd in ("[]", '{"segments":[{}]}', '{"joined":[1]}')
        ),
        *(f'{{{BACKFILL},"occurredAt":{odd},"profile":{{}}}}' for odd in ("1.5", '"yesterday"', "true", "-0", '""')),
        *(
            profiled(odd).decode()
            for odd in ('{"a":1,"a":2}', '{"segmentMembership":{"x":1}}', '{"identityMap":{"x":[1]}}')
        ),
        profiled('{"segmentMembership":{"x":{"s":{"status":"\\u0041"}}}}').decode(),
        profiled('{"segmentMembership":{"x":{"s":{},"s":{}}}}').decode(),
        profiled('{"identityMap":{"x":[{"id":"1","id":"2"}]}}').decode(),
    ],
)
def test_what_is_left_to_python(native: type[Projector], body: str) -> None:
    mapped = mapping("s", attributes=("a",), require_membership=False)
    assert not agrees(native, mapped, body.encode())


def test_bytes_that_are_no_utf_8_and_events_that_are_too_large_are_left_to_python(native: type[Projector]) -> None:
    mapped = mapping("s", require_membership=False)
    assert agrees(native, mapped, profiled('{"x":"é\u07ff\uffff\U0010ffff"}'))
    for odd in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"):
        assert not agrees(native, mapped, profiled('{"x":"?"}').replace(b"?", odd))
    project = compile_projector(mapped, len(profiled("{}")), native)
    assert project is not None
    assert project(profiled("{}")) is not None
    assert project(profiled("{ }")) is None


@pytest.mark.parametrize("count", [15, 16, 17, 1000, 1025])
def test_a_name_that_comes_twice_among_many(native: type[Projector], count: int) -> None:
    mapped = mapping("7", "900", require_membership=False)
    entries = [f'"{number}":{ENTRY}' for number in range(count)]
    whole = '{"segmentMembership":{"ups":{' + ",".join(entries) + "}}}"
    twice = '{"segmentMembership":{"ups":{' + ",".join([*entries, entries[count // 2]]) + "}}}"
    assert agrees(native, mapped, profiled(whole)) is (count <= 1024)
    assert not agrees(native, mapped, profiled(twice))


@pytest.mark.parametrize(
    "mapped",
    [
        replace(mapping(), attributes=(("segmentMembership", "ups"),)),
        replace(mapping(), attributes=(tuple("a" * 33),)),
        replace(mapping(), attributes=(("\ud800",),)),
        replace(mapping(), segments=(MappedSegment("ups", "\ud800"),)),
    ],
)
def test_a_mapping_without_a_projector(native: type[Projector], mapped: Mapping) -> None:
    assert compile_projector(mapped, MIB, native) is None


@pytest.mark.parametrize("plan", [b"", b"\0" * 40, b"x" * 400])
def test_what_is_no_plan_is_refused(native: type[Projector], plan: bytes) -> None:
    with pytest.raises(ValueError, match="no plan"):
        native(plan, tuple(Excluded("no_trigger") for _ in range(4)))
    with pytest.raises((TypeError, ValueError)):
        native(plan, ())
