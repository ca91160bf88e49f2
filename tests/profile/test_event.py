"""Reading events (contract.md#the-event): what is accepted, and what is refused with which place and reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from profile_given import MIB, built, change, event, mapping, member

from exporter.profile.decision import Excluded, Fired
from exporter.profile.document.payload import compile_payload, compile_plain
from exporter.profile.event.change import Change
from exporter.profile.event.event import read
from exporter.profile.event.shapes import SegmentChange
from exporter.profile.event.soundness import MAX_DEPTH
from exporter.profile.malformed import Malformed
from exporter.profile.triggers import compile_triggers


def refused(body: bytes | Mapping[str, Any], max_bytes: int = MIB) -> Malformed:
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode(), max_bytes)
    assert isinstance(found, Malformed), found
    return found


def native(**more: Any) -> dict[str, Any]:
    return {"id": "e-1", "profileId": "p-1", "profile": {}, **more}


def test_a_whole_event() -> None:
    profile = b'{ "person": {"name": "J\xc3\xbcrgen"} }'
    body = (
        b'{"id":"0192f0c1","profileId":"p-1842","occurredAt":"2026-11-20T10:15:00Z","destination":"crm","changes":'
        b'{"segments":[{"namespace":"AAM","id":"S","from":null,"to":"realized"}],"identities":["ecid"],'
        b'"attributes":["person.name"],"backfill":true,"joined":["p-7","p-9"]},"profile":%s}'
    )
    found = change(body % profile)
    assert found == Change(
        id="0192f0c1",
        profile_id="p-1842",
        occurred_at=1795169700.0,
        destination="crm",
        segments=[SegmentChange("S", "realized", None, "AAM")],
        identities=True,
        attributes=["person.name"],
        backfill=True,
        profile=profile,
        joined=["p-7", "p-9"],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"changes": None},
        {"changes": {}},
        {"changes": {"segments": None, "identities": None, "attributes": None, "backfill": None, "joined": None}},
        {"changes": {"segments": [], "identities": [], "attributes": [], "backfill": False}},
    ],
)
def test_absent_null_and_empty_mean_that_nothing_changed(changes: dict[str, Any]) -> None:
    found = change({"profileId": "p", "profile": {}, "id": None, "occurredAt": None, "destination": None, **changes})
    assert found == Change(
        id=None,
        profile_id="p",
        occurred_at=None,
        destination=None,
        segments=found.segments,
        identities=False,
        attributes=found.attributes,
        backfill=False,
        profile=b"{}",
        joined=(),
    )
    assert not found.segments
    assert not found.attributes


@pytest.mark.parametrize(
    ("entry", "before"),
    [({}, msgspec.UNSET), ({"from": None}, None), ({"from": "exited"}, "exited")],
)
def test_an_unknown_status_differs_from_none(entry: dict[str, Any], before: object) -> None:
    [segment] = change(native(changes={"segments": [{"id": "s", "to": "exited", **entry}]})).segments
    assert segment.before == before
    assert (segment.before is msgspec.UNSET) == (before is msgspec.UNSET)


def test_keys_that_nobody_knows_are_ignored() -> None:
    odd: dict[str, Any] = {"subject": 1, "time": [], "data": "x", "data_base64": 0, "source": {}, "type": None}
    assert change(native(**odd, specversion=None, extra=[{}], changes={"more": 1})).profile_id == "p-1"


def test_a_repr_shows_no_profile() -> None:
    assert repr(change(event(profile={"secret": "x"}))) == "Change(id='e-1', profile_id='p-1')"


# What is refused.

DEEP = b'{"id":"e-1","profileId":"p-1","profile":{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}}"

NOT_JSON: dict[str, tuple[bytes, str, str]] = {
    "blank": (b" \n", "byte 0", "not JSON: empty"),
    "a word": (b'{"id":x}', "byte 6", "not JSON: invalid character"),
    "cut off": (b'{"profileId":"p","profile":{', "byte 28", "not JSON: ends too early"),
    "two values": (b'{"profileId":"p","profile":{}} {}', "byte 31", "not JSON: trailing characters"),
    "trailing comma": (b'{"profileId":"p","profile":{"a":1,}}', "byte 34", "not JSON: trailing comma in object"),
    "NaN": (b'{"profileId":"p","profile":{"a":NaN}}', "byte 32", "not JSON: invalid character"),
    "Infinity": (b'{"profileId":"p","profile":{"a":-Infinity}}', "byte 33", "not JSON: invalid character"),
    "a number": (b'{"profileId":"p","profile":{"a":01}}', "byte 33", "not JSON: invalid number"),
    "control": (b'{"profileId":"p","profile":{"a":"\n"}}', "byte 33", "not JSON: invalid character"),
    "UTF-8": (b'{"profileId":"p","profile":{"a":"\xff"}}', "byte 33", "not UTF-8"),
    "surrogate as UTF-8": (b'{"profileId":"p","profile":{"a":"\xed\xa0\x80"}}', "byte 33", "not UTF-8"),
    "UTF-16": (
        '{"profileId":"p"}'.encode("utf-16"),
        "byte 0",
        "is UTF-16 text: it must be written as UTF-8",
    ),
    "byte order mark": (b'\xef\xbb\xbf{"profileId":"p","profile":{}}', "byte 0", "not JSON: invalid character"),
    "list": (b"[]", "byte 0", "must be an object, not a list"),
    "null": (b"null", "byte 0", "must be an object, not null"),
    "depth": (DEEP, f"byte {45 + MAX_DEPTH - 2}", "nested deeper than 200 levels"),
}


@pytest.mark.parametrize("case", NOT_JSON)
def test_what_is_no_sound_json_is_refused_at_its_byte(case: str) -> None:
    body, place, reason = NOT_JSON[case]
    found = refused(body)
    assert (found.place, found.reason) == (place, reason)
    assert str(found) == f"{place}: {reason}"


@pytest.mark.parametrize("text", [rb"\ud83d\ude00", rb"\\ud800", rb"\\\\udc00\u00e9", rb"\"\ud83d\ude00\\"])
def test_whole_pairs_and_escaped_backslashes_are_fine(text: bytes) -> None:
    assert change(b'{"profileId":"p","profile":{"a":"%s"}}' % text).profile == b'{"a":"%s"}' % text


def test_size_is_counted_in_bytes_of_the_message() -> None:
    body = json.dumps(native(profile={"a": "é" * 100}), ensure_ascii=False).encode()
    assert isinstance(read(body, len(body)), Change)
    found = refused(body, len(body) - 1)
    assert found == Malformed(
        f"byte {len(body) - 1}", f"has {len(body)} bytes; max_event_bytes is {len(body) - 1}", "p-1", "e-1"
    )


@pytest.mark.parametrize("opening", ["[", '{"k":', '[{"k":'])
@pytest.mark.parametrize("filling", ["", '"[[[[{{{{",', '"\\"]]]]}}}}\\\\",', '"",' * 300, '"\\\\\\"[",' * 300])
def test_depth_is_exact_whatever_stands_in_strings(opening: str, filling: str) -> None:
    def nested(levels: int) -> bytes:
        count = levels // len(opening.replace('"k":', ""))
        closing = "".join({"[": "]", "{": "}"}[mark] for mark in reversed(opening.replace('"k":', "")))
        padding = "[" if filling else ""
        inner = f"[{filling}0]" if padding else "0"
        return (
            f'{{"profileId":"p","x":[{filling}0],"profile":{{"a":{opening * count}{inner}{closing * count}}}}}'.encode()
        )

    # The event and its profile are two levels, the list around a filling is one.
    room = MAX_DEPTH - 2 - bool(filling)
    fits = room - room % len(opening.replace('"k":', ""))
    assert isinstance(read(nested(fits), MIB), Change)
    assert refused(nested(room + 2)).reason == "nested deeper than 200 levels"


def test_wide_is_not_deep() -> None:
    profile = {"a": [{"b": [{}]} for _ in range(1_000)], "c": '"[[[['}
    assert json.loads(change(native(profile=profile)).profile) == profile


def test_endless_depth_within_the_size_is_refused_not_raised() -> None:
    for body in (b"[" * MIB, b'{"a":' * (MIB // 5), b'"' + b"[" * 1000, b"]" * 1000 + b"[" * 1000):
        assert isinstance(read(body, MIB), Malformed)


# Wrong types outside the profile.

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"profileId": 5}, "profileId", "must be a string, not a number"),
    ({"profileId": None}, "profileId", "must be a string, not null"),
    ({"profileId": ""}, "profileId", "must not be empty"),
    ({"id": 7}, "id", "must be a string or null, not a number"),
    ({"id": ""}, "id", "must not be empty"),
    ({"destination": ["crm"]}, "destination", "must be a string or null, not a list"),
    ({"changes": []}, "changes", "must be an object or null, not a list"),
    ({"changes": {"segments": {}}}, "changes.segments", "must be a list or null, not an object"),
    ({"changes": {"segments": [None]}}, "changes.segments[0]", "must be an object, not null"),
    ({"changes": {"segments": [{"to": "exited"}]}}, "changes.segments[0].id", "is missing"),
    ({"changes": {"segments": [{"id": "s"}]}}, "changes.segments[0].to", "is missing"),
    (
        {"changes": {"segments": [{"id": "s", "to": "exited"}, {"id": "s", "to": "gone"}]}},
        "changes.segments[1].to",
        "is not one of realized, existing, exited",
    ),
    (
        {"changes": {"segments": [{"id": "s", "to": "exited", "from": "Realized"}]}},
        "changes.segments[0].from",
        "is not one of realized, existing, exited",
    ),
    (
        {"changes": {"segments": [{"id": 1, "to": "exited"}]}},
        "changes.segments[0].id",
        "must be a string, not a number",
    ),
    (
        {"changes": {"identities": "ecid"}},
        "changes.identities",
        "must be a boolean or a list or null, not a string",
    ),
    ({"changes": {"identities": [1]}}, "changes.identities[0]", "must be a string, not a number"),
    ({"changes": {"attributes": True}}, "changes.attributes", "must be a list or null, not a boolean"),
    ({"changes": {"attributes": ["a", {}]}}, "changes.attributes[1]", "must be a string, not an object"),
    ({"changes": {"backfill": 1}}, "changes.backfill", "must be a boolean or null, not a number"),
    ({"changes": {"joined": "p"}}, "changes.joined", "must be a list or null, not a string"),
    ({"changes": {"joined": ["p", 7]}}, "changes.joined[1]", "must be a string, not a number"),
    ({"profile": "x"}, "profile", "must be an object, not a string"),
    ({"profile": None}, "profile", "must be an object, not null"),
    ({"profile": [{}]}, "profile", "must be an object, not a list"),
    ({"profile": 1}, "profile", "must be an object, not a number"),
]


@pytest.mark.parametrize(("fields", "place", "reason"), WRONG)
def test_a_wrong_type_is_refused_at_its_place_with_the_ids_there_are(
    fields: dict[str, Any], place: str, reason: str
) -> None:
    profile_id = None if "profileId" in fields else "p-1"
    event_id = None if "id" in fields else "e-1"
    assert refused(native(**fields)) == Malformed(place, reason, profile_id, event_id)
    enveloped = {"specversion": "1.0", "id": "c", "data": native(**fields)}
    assert refused(enveloped) == Malformed(f"data.{place}", reason, profile_id, event_id or "c")


@pytest.mark.parametrize("field", ["profileId", "profile"])
def test_what_is_required_is_missed(field: str) -> None:
    body = native()
    del body[field]
    found = refused(body)
    assert (found.place, found.reason) == (field, "is missing")


def test_no_reason_quotes_a_value() -> None:
    for fields, _, _ in WRONG:
        assert "gone" not in str(refused(native(**fields)))


# CloudEvents.


def cloud(data: Any, **more: Any) -> dict[str, Any]:
    envelope = {"specversion": "1.0", "id": "c-1", "source": "/cdp", "type": "profile.changed", "data": data}
    return {**envelope, "subject": "p-2", "time": "2026-11-20T10:15:00Z", **more}


def test_an_envelope_fills_in_what_its_data_lacks() -> None:
    found = change(cloud({"profile": {"a": 1}, "changes": {"backfill": True}}, datacontenttype="application/json"))
    assert (found.id, found.profile_id, found.occurred_at) == ("c-1", "p-2", 1795169700.0)
    assert found.backfill
    assert json.loads(found.profile) == {"a": 1}


def test_what_data_says_wins() -> None:
    found = change(cloud(native(occurredAt="2026-11-20T10:15:01Z"), id=1, subject=2, time="x"))
    assert (found.id, found.profile_id, found.occurred_at) == ("e-1", "p-1", 1795169701.0)


def test_extensions_may_be_called_as_our_fields_and_be_anything() -> None:
    found = change(cloud({"profile": {}}, changes=3, profile="x", profileId=[], destination={}, occurredAt=0))
    assert (found.id, found.profile_id, found.destination) == ("c-1", "p-2", None)


@pytest.mark.parametrize(
    ("envelope", "place", "reason"),
    [
        (cloud({"profile": {}}, specversion="0.3"), "specversion", 'must be "1.0"'),
        (cloud({"profile": {}}, specversion=1.0), "specversion", 'must be "1.0"'),
        (
            cloud(None, data_base64="e30="),
            "data_base64",
            "is not accepted: the event must be an object in data",
        ),
        (cloud(None), "data", "is missing"),
        (cloud("{}"), "data", "must be an object, not a string"),
        (cloud([]), "data", "must be an object, not a list"),
        (cloud({"profile": {}}, subject=None), "data.profileId", "is missing"),
        (cloud({"profile": {}}, subject=""), "subject", "must not be empty"),
        (cloud({"profile": {}}, subject=5), "subject", "must be a string, not a number"),
        (cloud({"profile": {}}, id=5), "id", "must be a string, not a number"),
        (cloud({"profile": {}}, id=""), "id", "must not be empty"),
        (cloud({}), "data.profile", "is missing"),
    ],
)
def test_an_envelope_that_cannot_be_read(envelope: dict[str, Any], place: str, reason: str) -> None:
    found = refused(envelope)
    assert (found.place, found.reason) == (place, reason)
    assert (
        found.profile_id == (envelope["subject"] if isinstance(envelope["subject"], str) else None)
        or place == "subject"
    )


def test_an_envelope_cut_off_after_a_field_of_ours_is_no_json() -> None:
    assert refused(b'{"profileId":3,"specversion":"1.0","data":{').profile_id is None


@pytest.mark.parametrize("odd", [{"specversion": "1.0.2"}, {"data_base64": "e30="}, {"source": 1, "type": [], "x": 2}])
def test_an_attribute_that_is_not_needed_condemns_no_envelope(odd: dict[str, Any]) -> None:
    assert change(cloud({"profile": {}}, **odd)).profile_id == "p-2"


# Times (contract.md#the-event): they serve metrics only.

ODD_TIMES = ["yesterday", "", True, [], {"a": 1}, 1e300, "2026-02-30T12:00:00Z"]


@pytest.mark.parametrize("given", ["2026-11-20T10:15Z", 1795169700, 1795169700000, "1795169700000"])
def test_what_common_producers_write_as_a_time_is_read(given: object) -> None:
    for found in (change(native(occurredAt=given)), change(cloud({"profile": {}}, time=given))):
        assert (found.occurred_at, found.odd_time) == (1795169700.0, False)


@pytest.mark.parametrize("given", ODD_TIMES)
def test_no_time_condemns_an_event(given: object) -> None:
    for found in (
        change(native(occurredAt=given)),
        change(cloud({"profile": {}}, time=given)),
        change(cloud(native(occurredAt=given), time=None)),
    ):
        assert (found.occurred_at, found.odd_time) == (None, True)
        assert found.profile == b"{}"


def test_a_time_that_no_number_can_hold_condemns_no_event_either() -> None:
    body = b'{"profileId":"p","occurredAt":1e999,"profile":{"a":1}}'
    assert change(body).odd_time
    assert change(b'{"specversion":"1.0","time":1e999,"data":%s}' % body).odd_time


def test_beside_an_odd_time_other_faults_are_still_told() -> None:
    found = refused(native(occurredAt=True, changes=[]))
    assert (found.place, found.reason) == ("changes", "must be an object or null, not a list")
    assert refused(b'{"profileId":"p","occurredAt":[],"profile":{}').reason == "not JSON: ends too early"


def test_no_time_is_no_odd_time() -> None:
    assert not change(native()).odd_time
    assert not change(cloud({"profile": {}}, time=None)).odd_time


def test_an_envelopes_time_serves_where_the_datas_cannot_be_read() -> None:
    found = change(cloud(native(occurredAt="noon")))
    assert (found.occurred_at, found.odd_time) == (1795169700.0, False)


# Half an emoji: the escape of one half of a surrogate pair.

HALVES = [
    rb"\ud800",
    rb"\udc00",
    rb"x\uD83D.\uDE00",
    rb"\ud83d\ude00\ude00",
    rb"\ud83d\ud83d\ude00",
    rb"\\\udfff\\",
    rb"\ud800\n and so on and so forth",
    rb"\ufdd0\ud800\uFDD1",
]


@pytest.mark.parametrize("text", HALVES)
@pytest.mark.parametrize(
    "place",
    [
        '"profile":{"a":"%s","b":1}',
        '"profile":{"%s":1,"b":1}',
        '"profile":{"b":1},"x":["%s"]',
        '"profile":{"b":1},"occurredAt":"%s"',
        '"profile":{"b":1},"changes":{"attributes":["%s"],"identities":["%s"]}',
        '"profile":{"b":1},"%s":"%s"',
    ],
)
def test_half_an_emoji_harms_nobody_where_it_is_not_sent(text: bytes, place: str) -> None:
    body = b'{"profileId":"p","id":"e",' + place.encode().replace(b"%s", text) + b"}"
    for whole in (body, b'{"specversion":"1.0","%s":"%s","data":%s}' % (text, text, body)):
        found = change(whole)
        assert (found.profile_id, found.id) == ("p", "e")
        assert compile_payload(mapping(attributes=("b",)))(found) == b'{"b":1}'


@pytest.mark.parametrize("text", HALVES)
@pytest.mark.parametrize(
    ("profile", "place"),
    [
        ('{"b":"%s"}', "profile.b"),
        ('{"b":["x",{"%s":1}]}', "profile.b"),
        ('{"c":{"d":{"x":"%s"}}}', "profile.c.d"),
        ('{"identityMap":{"ecid":[{"id":"%s"}]}}', "profile.identityMap"),
        ('{"identityMap":{"%s":[{"id":"1"}]}}', "profile.identityMap"),
        ('{"segmentMembership":{"ups":{"%s":{"status":"realized"}}}}', "profile.segmentMembership"),
    ],
)
@pytest.mark.parametrize("plain", [False, True])
def test_half_an_emoji_that_would_be_sent_is_malformed_there(
    text: bytes, profile: str, place: str, plain: bool
) -> None:
    body = b'{"profileId":"p","id":"e","profile":' + profile.encode().replace(b"%s", text) + b"}"
    mapped = mapping(attributes=("b", "c.d"))
    found = (compile_plain if plain else compile_payload)(mapped)(change(body))
    assert found == Malformed(place, "an escaped surrogate without its other half", "p", "e")


@pytest.mark.parametrize("text", HALVES)
@pytest.mark.parametrize(
    ("event", "place", "names"),
    [
        ('{"profileId":"%s","id":"e","profile":{}}', "profileId", (None, "e")),
        ('{"profileId":"p","id":"%s","profile":{}}', "id", ("p", None)),
        (
            '{"profileId":"p","profile":{},"changes":{"segments":[{"id":"%s","to":"exited"}]}}',
            "changes.segments[0].id",
            ("p", None),
        ),
        ('{"profileId":"p","profile":{},"changes":{"joined":["q","%s"]}}', "changes.joined[1]", ("p", None)),
        ('{"specversion":"1.0","data":{"profileId":"%s","profile":{}}}', "data.profileId", (None, None)),
        ('{"specversion":"1.0","subject":"%s","data":{"profile":{}}}', "subject", (None, None)),
        ('{"specversion":"1.0","subject":"p","id":"%s","data":{"profile":{}}}', "id", ("p", None)),
    ],
)
def test_half_an_emoji_in_an_id_is_malformed(
    text: bytes, event: str, place: str, names: tuple[str | None, str | None]
) -> None:
    found = refused(event.encode().replace(b"%s", text))
    assert found == Malformed(place, "an escaped surrogate without its other half", *names)


def test_other_faults_beside_half_an_emoji_are_told_at_their_own_place() -> None:
    assert refused(rb'{"a":"\ud83d","profileId":"p","profile":{"a":NaN}}') == Malformed(
        "byte 45", "not JSON: invalid character", "p", None
    )
    assert refused(rb'{"a":"\ud83d","profileId":"p","profile":[]}').place == "profile"


# Names of what is refused: its letter can be found by them.

UNREADABLE = [
    b'{"id":"e-1","profileId":"p-1","profile":{',
    b'{"id":"e-1","profileId":"p-1","profile":{"a":NaN}}',
    b'{"profile":{"profileId":"other","a":[{"id":"x"}],"b":"\xff"},"id":"e-1","profileId":"p-1"}',
    b'{"profile":{"a":01},"id":"e-1","x":[[{}],"id"],"profileId":"p-1"',
    b'{"id":x,"id":"e-1","y":{"data":{"id":"z"}},"profileId" : "p-1","z":"cut o',
    DEEP,
    b'{"id":"e-1","profileId":"p-1","profile":{}} {"profileId":"p-2"}',
    b'\xef\xbb\xbf{"id":"e-1","profileId":"p-1","profile":{}}',
    b'\0\0\0\1\2{"id":"e-1","profileId":"p-1","profile":{}}',
    b'{"specversion":"1.0","id":"e-1","subject":"p-1","data":{"profile":',
    b'{"specversion":"1.0","id":"c","subject":"x","data":{"x":{"id":"y"},"id":"e-1","profileId":"p-1","profile":NaN}}',
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_the_ids_of_what_cannot_be_read_are_known_all_the_same(body: bytes) -> None:
    found = refused(body)
    assert (found.profile_id, found.event_id) == ("p-1", "e-1")


@pytest.mark.parametrize(
    "body",
    [b"nope", b'[{"id":"e","profileId":"p"}]', b'"profileId"', b'{"profileId":"p', b'{"profileId":["p"],"id":{', b"}{"],
)
def test_there_may_be_none(body: bytes) -> None:
    found = refused(body)
    assert (found.profile_id, found.event_id) == (None, None)


# What is no event by its kind.


def test_an_empty_message_is_a_tombstone() -> None:
    assert read(b"", MIB) == Excluded("tombstone")


REGISTRY = b"\0\0\0\0\x2a"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (REGISTRY + b'{"id":"e-1","profileId":"p-1","profile":{}}', "a schema registry's frame"),
        (REGISTRY + b'\n {"id"', "a schema registry's frame"),
        (REGISTRY + b"\x0ep-1842\xff", "a schema registry's frame"),
        (b"\x03\x00" + bytes(range(16)) + b"{}", "AWS Glue"),
        (b"\xac\xed\0\x05t\0\x02{}", "Java"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
    ],
)
def test_what_is_no_text_is_named_as_what_it_is(body: bytes, what: str) -> None:
    found = refused(body)
    assert found.place == "byte 0"
    assert what in found.reason
    assert "plain JSON" in found.reason


def test_a_frame_says_whether_json_stands_behind_it() -> None:
    assert "before its JSON" in refused(REGISTRY + b"{}").reason
    assert "Avro" in refused(REGISTRY + b"\x0e").reason
    assert "max_event_bytes" in refused(REGISTRY + b"{}", max_bytes=6).reason


# Ids that are odd but fine.


@pytest.mark.parametrize("profile_id", ["a\r\nb", "été", "名", " ", "x" * 10_000, "\x00", "\U0001f600"])
def test_ids_are_opaque(profile_id: str) -> None:
    found = change(native(id=profile_id, profileId=profile_id, profile=member(profile_id)))
    assert (found.id, found.profile_id) == (profile_id, profile_id)
    mapped = mapping(profile_id, off=["segment"])
    backfill = event({"backfill": True}, member(profile_id), profileId=profile_id)
    assert compile_triggers(mapped)(change(backfill)) == Fired(("backfill",))
    assert json.loads(built(mapped, backfill)) == member(profile_id)
