"""What is sent for a profile (contract.md#the-request), as tables."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from profile_given import built, change, event, mapping, member

from exporter.profile.document.payload import compile_payload
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import MappedSegment


def sent(profile: dict[str, Any], *attributes: str, **switches: Any) -> Any:
    return json.loads(built(mapping(attributes=attributes, **switches), event(profile=profile)))


@pytest.mark.parametrize(
    ("attributes", "profile", "document"),
    [
        (["a.b"], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}),
        (["a"], {"a": {"b": 1, "c": None, "d": {}}}, {"a": {"b": 1, "c": None, "d": {}}}),
        (["a"], {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (["a"], {"a": []}, {"a": []}),
        (["a"], {"a": ""}, {"a": ""}),
        (["a"], {"a": False}, {"a": False}),
        (["a"], {"a": 0}, {"a": 0}),
        (["a"], {"a": None}, {}),
        (["a"], {"a": {}}, {}),
        (["a"], {}, {}),
        (["a.b"], {"a": None}, {}),
        (["a.b"], {"a": {"b": None}}, {}),
        (["a.b"], {"a": {"b": {}}}, {}),
        (["a.b"], {"a": 3}, {}),
        (["a.b"], {"a": [{"b": 1}]}, {}),
        (["a.b"], {"a": "b"}, {}),
        (["a.b.c", "a.d"], {"a": {"b": {"x": 1}, "d": 2}}, {"a": {"d": 2}}),
        (["a.b", "a"], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        (["a", "a.b"], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        (["a", "a"], {"a": 1}, {"a": 1}),
        ([r"loyalty.a\.b"], {"loyalty": {"a.b": 3, "a": {"b": 4}}}, {"loyalty": {"a.b": 3}}),
        (["loyalty.a.b"], {"loyalty": {"a.b": 3, "a": {"b": 4}}}, {"loyalty": {"a": {"b": 4}}}),
        (["loyalty"], {"loyalty": {"a.b": 3}}, {"loyalty": {"a.b": 3}}),
        (["été.名"], {"été": {"名": "ü"}}, {"été": {"名": "ü"}}),
    ],
)
def test_attributes_are_nested_at_their_path(attributes: list[str], profile: dict[str, Any], document: Any) -> None:
    assert sent(profile, *attributes) == document


def test_an_object_of_blanks_is_empty_too() -> None:
    body = b'{"id":"e","profileId":"p","profile":{"a":{ \n },"b":{ "c" : { } }}}'
    assert built(mapping(attributes=("a", "b.c")), body) == b"{}"


def test_attributes_stand_in_the_order_of_the_configuration_and_before_the_other_parts() -> None:
    profile = {"identityMap": {"ecid": [{"id": "1"}]}, **member("s"), "a": {"x": 1, "y": 2}, "b": 3}
    attributes = ("b", "a.y", "c", "a.x")
    assert built(mapping("s", attributes=attributes), event(profile=profile)) == (
        b'{"b":3,"a":{"y":2,"x":1},"segmentMembership":{"ups":{"s":{"lastQualificationTime":"2026-11-20T10:15:00Z",'
        b'"status":"realized"}}},"identityMap":{"ecid":[{"id":"1"}]}}'
    )


@pytest.mark.parametrize(
    "value",
    [
        *("123456789012345678901234567890", "1e999", "-0", "1.10", "1E+2", "0.1000000000000000055511151231257827"),
        *('"\\u00e9\\/\\ud83d\\ude00"', '[1.0, { "a" :1e5 }]', '{"b": 1,"a":2,"b":3}'),
    ],
)
def test_values_pass_byte_for_byte(value: str) -> None:
    body = f'{{"id":"e","profileId":"p","profile":{{"a":{{"v": {value} }}}}}}'.encode()
    assert built(mapping(attributes=("a.v",)), body) == b'{"a":{"v":%s}}' % value.encode()


S = {"lastQualificationTime": "2019-04-15T02:41:50+0000", "status": "realized"}


@pytest.mark.parametrize(
    ("memberships", "document"),
    [
        ({"ups": {"s": {**S, "version": "2", "validUntil": "x"}}}, {"ups": {"s": S}}),
        ({"ups": {"s": {**S, "status": "exited"}}}, {"ups": {"s": {**S, "status": "exited"}}}),
        ({"ups": {"s": S}, "AAM": {"t": S}}, {"ups": {"s": S}, "AAM": {"t": S}}),
        ({"ups": {"s": {"status": "odd"}}}, {"ups": {"s": {"status": "odd"}}}),
        ({"ups": {"s": {"lastQualificationTime": "x"}}}, {"ups": {"s": {"lastQualificationTime": "x"}}}),
        ({"ups": {"s": {"status": None, "lastQualificationTime": None}}}, None),
        ({"ups": {"s": {}}}, None),
        ({"ups": {"s": None, "t": S}}, {"ups": {"t": S}}),
        ({"ups": None, "AAM": {"t": S}}, {"AAM": {"t": S}}),
        ({"ups": {}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_every_membership_is_sent_as_it_came(memberships: Any, document: Any) -> None:
    expected = {} if document is None else {"segmentMembership": document}
    assert sent({"segmentMembership": memberships}) == expected


def test_only_mapped_memberships_where_configured() -> None:
    profile = {"segmentMembership": {"ups": {"t": S, "s": S}, "AAM": {"s": S, "x": S}, "none": {"t": S}}}
    segments = (MappedSegment("ups", "s"), MappedSegment("AAM", "x"))
    document = sent(profile, segments=segments, segment_membership="mapped")
    assert document == {"segmentMembership": {"ups": {"s": S}, "AAM": {"x": S}}}


NAMED = MappedSegment("ups", "s", "First name equals John", 1, 2, 3, 4)
TIMES = {"createdAt": 1, "updatedAt": 2, "mappingCreatedAt": 3, "mappingUpdatedAt": 4}


@pytest.mark.parametrize(
    ("names", "times", "more"),
    [
        (False, False, {}),
        (True, False, {"name": "First name equals John"}),
        (False, True, TIMES),
        (True, True, {**TIMES, "name": "First name equals John"}),
    ],
)
@pytest.mark.parametrize("which", ["all", "mapped"])
def test_names_and_times_are_independent_and_only_on_mapped_segments(
    names: bool, times: bool, more: dict[str, Any], which: str
) -> None:
    document = sent(
        {"segmentMembership": {"ups": {"s": S, "t": S}, "AAM": {"s": S}}},
        segments=(NAMED,),
        segment_membership=which,
        include_segment_names=names,
        include_segment_timestamps=times,
    )
    entries = {"ups": {"s": {**S, **more}, "t": S}, "AAM": {"s": S}}
    if which == "mapped":
        entries = {"ups": {"s": {**S, **more}}}
    assert document == {"segmentMembership": entries}
    assert list(document["segmentMembership"]["ups"]["s"]) == [*S, *more]


def test_what_the_catalogue_lacks_is_left_out() -> None:
    segments = (MappedSegment("ups", "s", mapping_created_at=3, mapping_updated_at=4),)
    document = sent(member("s"), segments=segments, include_segment_names=True, include_segment_timestamps=True)
    assert list(document["segmentMembership"]["ups"]["s"])[2:] == ["mappingCreatedAt", "mappingUpdatedAt"]


IDENTITIES = {
    "ecid": [{"id": "1", "authenticatedState": "ambiguous", "primary": True}, {"id": "2", "primary": None}],
    "Email": [{"primary": False, "id": "x@y"}],
}


@pytest.mark.parametrize(
    ("fields", "document"),
    [
        (("id",), {"ecid": [{"id": "1"}, {"id": "2"}], "Email": [{"id": "x@y"}]}),
        (
            ("primary", "authenticatedState", "primary"),
            {
                "ecid": [{"id": "1", "primary": True, "authenticatedState": "ambiguous"}, {"id": "2"}],
                "Email": [{"id": "x@y", "primary": False}],
            },
        ),
    ],
)
def test_every_identity_is_sent_with_the_configured_fields(fields: tuple[str, ...], document: Any) -> None:
    found = sent({"identityMap": IDENTITIES}, identity_fields=fields)
    assert found == {"identityMap": document}
    assert json.dumps(found["identityMap"]) == json.dumps(document)


@pytest.mark.parametrize("fields", [("id",), ("id", "primary")])
@pytest.mark.parametrize(
    "identities",
    [None, {}, {"ecid": None}, {"ecid": []}, {"ecid": [None]}, {"ecid": [{}]}, {"ecid": [{"id": None}]}],
)
def test_an_identity_map_without_identities_is_left_out(identities: Any, fields: tuple[str, ...]) -> None:
    assert sent({"identityMap": identities}, identity_fields=fields) == {}


def test_an_empty_profile_gives_an_empty_object() -> None:
    assert built(mapping("s", attributes=("a",)), event()) == b"{}"


@pytest.mark.parametrize(
    ("profile", "place", "reason"),
    [
        ({"segmentMembership": []}, "profile.segmentMembership", "must be an object, not a list"),
        ({"segmentMembership": "x"}, "profile.segmentMembership", "must be an object, not a string"),
        ({"segmentMembership": {"ups": 1}}, "profile.segmentMembership.ups", "must be an object, not a number"),
        (
            {"segmentMembership": {"ups": {"a": {}, "b": True}}},
            "profile.segmentMembership.ups.b",
            "must be an object, not a boolean",
        ),
        (
            {"segmentMembership": {"ups": {"a.b": {"status": {}}}}},
            "profile.segmentMembership.ups.a\\.b.status",
            "must be a string, not an object",
        ),
        (
            {"segmentMembership": {"ups": {"s": {"lastQualificationTime": 1}}}},
            "profile.segmentMembership.ups.s.lastQualificationTime",
            "must be a string, not a number",
        ),
        ({"identityMap": []}, "profile.identityMap", "must be an object, not a list"),
        ({"identityMap": {"ecid": {}}}, "profile.identityMap.ecid", "must be a list, not an object"),
        ({"identityMap": {"ecid": ["1"]}}, "profile.identityMap.ecid[0]", "must be an object, not a string"),
        (
            {"identityMap": {"ecid": [{"id": "1"}, {"id": 2}]}},
            "profile.identityMap.ecid[1].id",
            "must be a string, not a number",
        ),
        (
            {"identityMap": {"a\r\nb" + "x" * 200: 1}},
            "profile.identityMap.a\\r\\nb" + "x" * 96 + "…",
            "must be a list, not a number",
        ),
    ],
)
@pytest.mark.parametrize("fields", [("id",), ("id", "primary")])
def test_a_wrong_type_is_malformed_at_its_place(
    profile: dict[str, Any], place: str, reason: str, fields: tuple[str, ...]
) -> None:
    body = event(profile={"a": 1, **profile})
    found = compile_payload(mapping("s", identity_fields=fields))(change(body))
    assert isinstance(found, Malformed)
    assert (found.place, found.reason, found.profile_id, found.event_id) == (place, reason, "p-1", "e-1")
    for key in ("ups", "ecid", "a", "b", "s", "a\\.b"):
        assert f".{key}." not in f"{found.for_logs().split(':')[0]}."
        assert f".{key}[" not in found.for_logs()
    assert found.for_logs().endswith(f": {reason}")


@pytest.mark.parametrize(
    ("profile", "place"),
    [
        ({"segmentMembership": []}, "profile.segmentMembership"),
        ({"segmentMembership": {"ups": {"s": {"status": 1}}}}, "profile.segmentMembership.*.*.status"),
        ({"identityMap": {"a@b": [{"id": "1"}, {"id": 2}]}}, "profile.identityMap.*[1].id"),
    ],
)
def test_logs_are_told_the_place_as_far_as_it_is_schema(profile: dict[str, Any], place: str) -> None:
    found = compile_payload(mapping("s"))(change(event(profile=profile)))
    assert isinstance(found, Malformed)
    assert found.for_logs().startswith(f"{place}: ")


def test_a_key_that_is_there_twice_with_a_wrong_type_first_is_still_refused() -> None:
    body = b'{"id":"e","profileId":"p","profile":{"segmentMembership":{"ups":{"s":{"status":1,"status":"x"}}}}}'
    found = compile_payload(mapping("s"))(change(body))
    assert found == Malformed("profile", "has a value of a wrong type", "p", "e")


def test_the_last_of_equal_keys_counts_for_the_gate_and_the_document_alike() -> None:
    body = b'{"id":"e","profileId":"p","profile":{"a":1,"segmentMembership":3,"a":2,"segmentMembership":{}}}'
    assert orjson.loads(built(mapping("s", attributes=("a",)), body)) == {"a": 2}
