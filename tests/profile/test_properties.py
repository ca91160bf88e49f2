"""What holds for every event, profile and mapping, by Hypothesis."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson
from hypothesis import assume, given
from hypothesis import strategies as st
from profile_generated import CHANGES, IDS, MAPPINGS, PROFILES, VALUES, often_filtered
from profile_given import MIB, mapping

from exporter.profile.decision import Excluded, Fired
from exporter.profile.document.payload import compile_payload
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import Mapping
from exporter.profile.triggers import compile_triggers


def message(profile: Any, changes: Any) -> bytes:
    return json.dumps({"id": "e", "profileId": "p", "changes": changes, "profile": profile}).encode()


def sound(body: bytes) -> Change:
    found = read(body, MIB)
    assert isinstance(found, Change), found
    return found


@often_filtered
@given(MAPPINGS, PROFILES, CHANGES)
def test_any_object_as_profile_builds_or_is_refused_with_a_place(mapped: Mapping, profile: Any, changes: Any) -> None:
    change = sound(message(profile, changes))
    decision = compile_triggers(mapped)(change)
    assert isinstance(decision, Fired | Excluded | Malformed)
    body = compile_payload(mapped)(change)
    if isinstance(body, Malformed):
        assert body.place.startswith(("profile.segmentMembership", "profile.identityMap"))
        assert body.reason.startswith("must be ")
    else:
        assert isinstance(orjson.loads(body), dict)


@often_filtered
@given(MAPPINGS, PROFILES)
def test_building_is_deterministic(mapped: Mapping, profile: Any) -> None:
    body = message(profile, {})
    assert compile_payload(mapped)(sound(body)) == compile_payload(mapped)(sound(bytes(bytearray(body))))


@often_filtered
@given(MAPPINGS, PROFILES, CHANGES, st.dictionaries(st.sampled_from(["x", "y"]), VALUES), st.lists(IDS))
def test_an_excluded_event_stays_excluded_when_unmapped_parts_change(
    mapped: Mapping, profile: Any, changes: Any, more: Any, entered: list[str]
) -> None:
    before = compile_triggers(mapped)(sound(message(profile, changes)))
    assume(isinstance(before, Excluded))
    keys = {(segment.namespace, segment.id) for segment in mapped.segments}
    unmapped = [{"id": one, "from": None, "to": "realized"} for one in entered if ("ups", one) not in keys]
    wider = {
        **changes,
        "segments": [*changes.get("segments", []), *unmapped],
        "attributes": [*changes.get("attributes", []), "x", "y.z"],
    }
    assert compile_triggers(mapped)(sound(message({**profile, **more}, wider))) == before


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of everything in a document that is no object, or an empty one."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    else:
        yield path


@often_filtered
@given(MAPPINGS, PROFILES)
def test_an_unmapped_attribute_is_never_sent_and_a_mapped_one_always_is(mapped: Mapping, profile: Any) -> None:
    body = compile_payload(mapped)(sound(message(profile, {})))
    assume(isinstance(body, bytes))
    document = json.loads(body)  # type: ignore[arg-type]
    parts = {key: document.pop(key) for key in ("segmentMembership", "identityMap") if key in document}
    assert not [
        path for path in leaves(document) if path and not any(path[: len(one)] == one for one in mapped.attributes)
    ]
    for path in mapped.attributes:
        given_value, sent_value = at(profile, path), at(document, path)
        assert sent_value == (None if given_value == {} else given_value)
    mapped_ids = {(segment.namespace, segment.id) for segment in mapped.segments}
    for namespace, entries in parts.get("segmentMembership", {}).items():
        for segment_id, entry in entries.items():
            assert entry
            is_mapped = (namespace, segment_id) in mapped_ids
            assert is_mapped or mapped.segment_membership == "all"
            assert is_mapped or set(entry) <= {"lastQualificationTime", "status"}
    for identities in parts.get("identityMap", {}).values():
        assert all(one and set(one) <= set(mapped.identity_fields) for one in identities)


def at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


NUMBERS = st.from_regex(
    re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", re.ASCII), fullmatch=True
)


@often_filtered
@given(NUMBERS)
def test_numbers_pass_byte_for_byte(number: str) -> None:
    body = f'{{"profileId":"p","profile":{{"a":{number},"b":{{"c":[{number}]}}}}}}'.encode()
    built = compile_payload(mapping(attributes=("a", "b.c")))(sound(body))
    assert built == f'{{"a":{number},"b":{{"c":[{number}]}}}}'.encode()


@often_filtered
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ud8c0 truefalsn1.eE-\n', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    found = read(body, 150)
    if isinstance(found, Malformed):
        assert re.match(r"byte [0-9]+$|[a-zA-Z]", found.place)
        assert found.reason
    elif isinstance(found, Excluded):
        assert not body
    else:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])


EVENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "occurredAt", "destination", "subject", "time", "data_base64"), VALUES),
        "profileId": st.just("p") | VALUES,
        "changes": CHANGES | VALUES,
        "profile": PROFILES | VALUES,
        "specversion": st.just("1.0") | VALUES,
    },
)


@often_filtered
@given(EVENTS | st.builds(lambda outer, data: {**outer, "specversion": "1.0", "data": data}, EVENTS, EVENTS))
def test_any_object_is_read_or_refused(value: Any) -> None:
    found = read(json.dumps(value).encode(), MIB)
    if isinstance(found, Change):
        assert found.profile_id
        assert found.id != ""
        assert isinstance(json.loads(found.profile), dict)
    else:
        assert isinstance(found, Malformed)
        assert found.place
        assert found.reason


ESCAPES = st.lists(
    st.sampled_from([r"\ud800", r"\udbff", r"\udc00", r"\uDFFF", r"\\", r"\"", r"\n", "u", "d800", "x", r"\u0041"]),
    max_size=8,
).map("".join)


@often_filtered
@given(ESCAPES)
def test_half_surrogate_pairs_are_refused_exactly_where_python_finds_them(text: str) -> None:
    body = f'{{"profileId":"p","profile":{{"a":"{text}","b":1}}}}'.encode()
    try:
        json.loads(f'"{text}"').encode()
        lone = False
    except UnicodeEncodeError:
        lone = True
    sent = compile_payload(mapping(attributes=("a",)))(sound(body))
    assert isinstance(sent, Malformed) is lone
    assert lone or sent == f'{{"a":"{text}"}}'.encode()
    assert compile_payload(mapping(attributes=("b",)))(sound(body)) == b'{"b":1}'
