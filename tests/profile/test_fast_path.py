"""The document as a type says what the plain builder says, byte for byte, or leaves it to that one."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from profile_generated import MAPPINGS, ODD_MAPPINGS, PROFILE_TEXTS, often_filtered
from profile_given import change, mapping, member, segments

from exporter.profile.document.document_type import MAX_FIELDS
from exporter.profile.document.fast_path import compile_fast_path
from exporter.profile.document.payload import compile_payload, compile_plain
from exporter.profile.document.segment_membership import compile_gate
from exporter.profile.mapping import MappedSegment, Mapping

PAIR = '"lastQualificationTime":"2022","status":"realized"'


def event_of(profile: str) -> bytes:
    return f'{{"id":"e","profileId":"p","profile":{profile}}}'.encode()


@settings(often_filtered, max_examples=300)
@given(MAPPINGS | ODD_MAPPINGS, PROFILE_TEXTS)
def test_both_builders_send_the_same_bytes_and_refuse_the_same_for_the_same_reason(
    mapped: Mapping, profile: str
) -> None:
    found = change(event_of(profile))
    expected = compile_plain(mapped)(found)
    assert compile_payload(mapped)(found) == expected
    fast_path = compile_fast_path(mapped)
    if fast_path is not None:
        # As a dataflow asks: first whether, then what; and again, since the two share what was decoded.
        for _ in range(2):
            assert fast_path.is_member(found.profile) in (_is_member(mapped, found.profile), None)
            assert fast_path.build(found.profile) in (expected, None)


def _is_member(mapped: Mapping, profile: bytes) -> bool | None:
    try:
        return compile_gate(mapped)(profile)
    except msgspec.ValidationError:
        return None


def fast(mapped: Mapping, profile: str) -> bytes | None:
    """What the type makes of it; checked against the plain builder."""
    fast_path = compile_fast_path(mapped)
    assert fast_path is not None
    found = change(event_of(profile))
    document = fast_path.build(found.profile)
    assert document in (None, compile_plain(mapped)(found))
    return document


NAMED = (MappedSegment("ups", "s", 'A "name"', 1, 2, 3, 4), MappedSegment("AAM", "s", None, 5))


@pytest.mark.parametrize(
    ("mapped", "profile", "document"),
    [
        (mapping(attributes=("a.b", "c")), '{"c":1.10,"a":{"b": "\\u0041","x":2}}', '{"a":{"b":"\\u0041"},"c":1.10}'),
        (mapping(attributes=("a.b", "c")), '{"a":{"b":null},"c":{ }}', "{}"),
        (mapping(attributes=("a.b", "a.c")), '{"a":{"b":null,"c":{"d":null}}}', '{"a":{"c":{"d":null}}}'),
        (mapping(attributes=("a.b.c", "d")), '{"a":{"b":{}},"d":[]}', '{"d":[]}'),
        (mapping(attributes=("a.b",)), '{"a":null,"segmentMembership":null,"identityMap":null}', "{}"),
        (mapping(attributes=("a.b",)), '{"a":{"b":1},"a":{"c":2},"identityMap":{},"segmentMembership":{}}', "{}"),
        (mapping(attributes=(r"a\.b.f0", "f1")), '{"f0":1,"a.b":{"f0":2,"f1":3}}', '{"a.b":{"f0":2}}'),
        (mapping(), f'{{"segmentMembership":{{"ups":{{"s":{{{PAIR},"x":1}}}}}}}}', None),
        (mapping(segment_membership="mapped"), f'{{"segmentMembership":{{"ups":{{"s":{{{PAIR}}}}}}}}}', "{}"),
        (
            mapping(identity_fields=("primary", "state")),
            '{"identityMap":{"ecid":[{"primary":true,"id":"1"},{"id":"2","primary":null,"state":{}}]}}',
            '{"identityMap":{"ecid":[{"id":"1","primary":true},{"id":"2","state":{}}]}}',
        ),
    ],
)
def test_a_profile_that_the_type_serves(mapped: Mapping, profile: str, document: str | None) -> None:
    if document is None:
        document = profile.replace(',"x":1', "")
    assert fast(mapped, profile) == document.encode()


@pytest.mark.parametrize("which", ["all", "mapped"])
@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("times", [False, True])
def test_switches_of_the_memberships_are_served_too(which: str, names: bool, times: bool) -> None:
    mapped = mapping(
        segments=NAMED, segment_membership=which, include_segment_names=names, include_segment_timestamps=times
    )
    entries = f'{{"t":{{{PAIR}}},"s":{{{PAIR}}}}}'
    profile = f'{{"segmentMembership":{{"ups":{entries},"AAM":{entries},"other":{entries}}}}}'
    assert fast(mapped, profile) is not None


@pytest.mark.parametrize(
    "profile",
    [
        *('{"a":3}', '{"a":[{"b":1}]}', '{"a":3,"a":{"b":1}}'),
        *('{"segmentMembership":{"ups":{}}}', '{"segmentMembership":{"ups":null}}', '{"segmentMembership":3}'),
        '{"segmentMembership":{"ups":{"s":{"status":"realized"}}}}',
        '{"segmentMembership":{"ups":{"s":{"status":"realized","lastQualificationTime":null}}}}',
        *('{"identityMap":{"ecid":[]}}', '{"identityMap":{"ecid":[{}]}}', '{"identityMap":{"ecid":[{"id":1}]}}'),
    ],
)
@pytest.mark.parametrize("fields", [("id",), ("id", "primary")])
def test_a_profile_that_is_left_to_the_plain_builder(profile: str, fields: tuple[str, ...]) -> None:
    mapped = mapping(attributes=("a.b",), identity_fields=fields)
    assert fast(mapped, profile) is None
    found = change(event_of(profile))
    assert compile_payload(mapped)(found) == compile_plain(mapped)(found)


WIDE = tuple(f"a.x{number}" for number in range(MAX_FIELDS + 1))


@pytest.mark.parametrize(
    "mapped",
    [
        mapping(attributes=('a"b',)),
        mapping(attributes=("c", "a.b\\\\c")),
        mapping(attributes=("a\nb",)),
        replace(mapping(), attributes=(("\ud800",),)),
        mapping(attributes=WIDE),
        mapping(attributes=("segmentMembership.ups",)),
        mapping(attributes=("identityMap",)),
        mapping(identity_fields=("id", 'a"b')),
        mapping(identity_fields=("id", *WIDE)),
    ],
)
def test_a_mapping_that_is_left_to_the_plain_builder(mapped: Mapping) -> None:
    assert compile_fast_path(mapped) is None
    assert compile_payload(mapped)(change(event_of('{"a":{"x1":1}}')))


def test_as_many_fields_as_a_type_may_have() -> None:
    assert fast(mapping(attributes=WIDE[1:]), '{"a":{"x0":0,"x1":1}}') == b'{"a":{"x1":1}}'


def test_what_was_sent_once_does_not_show_in_the_next_document() -> None:
    mapped = mapping(segments=(*NAMED, *segments("t")), attributes=("a.b",), include_segment_names=True)
    fast_path = compile_fast_path(mapped)
    assert fast_path is not None
    build = fast_path.build
    full = change({"profileId": "p", "profile": {"a": {"b": 1}, **member("s", "t")}}).profile
    first = build(full)
    assert first is not None
    assert build(b"{}") == b"{}"
    assert build(full) == first
