"""Whole events as text, of every kind: sound ones above all, and for each rule some that break it."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from profile_generated import (
    BLANKS,
    CHANGES,
    IDS,
    NAMESPACES,
    ODD_STEPS,
    PATHS,
    PROFILE_TEXTS,
    STRING_TEXTS,
    TEXTS,
    lists,
    object_text,
)

_SELDOM = 37


def usually(usual: st.SearchStrategy[str], other: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Seldom the other: an event has many parts, and one odd part makes it odd. (Ends of a range come often.)"""
    return st.integers(0, 99).flatmap(lambda number: other if number == _SELDOM else usual)


STATUS_TEXTS = st.sampled_from(['"realized"', '"existing"', '"exited"'])
ID_TEXTS = usually(st.sampled_from(['"e-1"', '"é"', '"a b"', '"😀"']), STRING_TEXTS | TEXTS)

_OFFSETS = st.sampled_from(["Z", "+00:00", "-05:30", "+14:00", "+23:59", "-23:59"] * 4) | st.sampled_from(
    ["", "z", " Z", "+01", "+0100", "UTC", "-24:00", "+01:60", "+01:00:00", "Z ", "Z[UTC]"]
)
_FRACTIONS = st.sampled_from(["", "", ".0", ".123", ".999999", ".123456789", ",5", "."]) | st.from_regex(
    r"\.[0-9]{1,17}", fullmatch=True
)
_MOMENTS = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")) | st.sampled_from(
    [
        *("2024-02-29T00:00:00", "2023-02-29T00:00:00", "1900-02-29T00:00:00", "2000-02-29T23:59:59"),
        *("2016-12-31T23:59:60", "2026-11-20T24:00:00", "2026-11-20T10:60:00", "2026-13-01T00:00:00"),
        *("0000-01-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "1969-12-31T23:59:59"),
        *("2026-00-01T00:00:00", "2026-01-00T00:00:00", "2026-04-31T00:00:00", "2026-11-20t10:15:00"),
        *("2026-11-20 10:15:00", "2026-11-20T10:15", "２026-11-20T10:15:00", "2026-1-20T10:15:000"),
    ]
)
TIME_TEXTS = usually(
    st.builds('"{}{}{}"'.format, _MOMENTS, _FRACTIONS, _OFFSETS)
    | st.integers(-(10**16), 10**16).map(str)
    | st.sampled_from(["0", "-0", "1e3", "1.5", "99999999999", "100000000000", "99999999999999", "100000000000000"]),
    TEXTS,
)

SEGMENT_TEXTS = st.fixed_dictionaries(
    {"id": usually(IDS.map(json.dumps), TEXTS), "to": usually(STATUS_TEXTS, TEXTS)},
    optional={
        "from": usually(STATUS_TEXTS | st.just("null"), TEXTS),
        "namespace": usually(NAMESPACES.map(json.dumps) | st.just("null"), TEXTS),
        "more": TEXTS,
    },
).map(lambda entry: list(entry.items()))
PATH_TEXTS = usually(
    PATHS.map(".".join).map(lambda path: json.dumps(path, ensure_ascii=False)),
    st.lists(ODD_STEPS, max_size=4).map(".".join).map(json.dumps) | TEXTS,
)


@st.composite
def members(draw: st.DrawFn, given: dict[str, st.SearchStrategy[str]], required: tuple[str, ...] = ()) -> str:
    """An object as text: members in any order, some left out, seldom one of another type or twice."""
    keys = [key for key in given if key in required or draw(st.booleans())]
    if draw(st.integers(0, 99)) == _SELDOM:
        keys += draw(st.lists(st.sampled_from(sorted(given)), max_size=2))
    keys = draw(st.permutations(keys))
    # An escape in a key is odd, so hardly ever has a key one.
    odd = draw(st.integers(0, 99)) == _SELDOM
    text = object_text([(key, draw(given[key])) for key in keys], draw(BLANKS), ascii_only=False)
    return text.replace('"id"', r'"\u0069d"', 1) if odd else text


CHANGE_TEXTS = usually(
    members(
        {
            "segments": usually(
                lists(st.builds(object_text, SEGMENT_TEXTS, BLANKS, st.booleans())), TEXTS | st.just("null")
            ),
            "identities": usually(st.sampled_from(["true", "false", "null"]) | lists(ID_TEXTS), TEXTS),
            "attributes": usually(lists(PATH_TEXTS), TEXTS | st.just("null")),
            "backfill": usually(st.sampled_from(["true", "true", "false", "null"]), TEXTS),
            "joined": usually(lists(ID_TEXTS), TEXTS | st.just("null")),
            "more": TEXTS,
        }
    ),
    CHANGES.map(json.dumps) | TEXTS,
)

EVENT_PARTS = {
    "id": ID_TEXTS,
    "profileId": ID_TEXTS,
    "occurredAt": TIME_TEXTS,
    "destination": st.sampled_from(['"crm"', '"crm"', '"crm"', '"crn"', '"crm2"', '""', "null"]),
    "changes": CHANGE_TEXTS,
    "profile": usually(PROFILE_TEXTS, TEXTS),
    "more": TEXTS,
    "traceparent": st.just('"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"'),
}
EVENT_TEXTS = members(EVENT_PARTS, required=("profileId", "changes", "profile"))
#: CloudEvents, and what has only some of their keys.
ENVELOPE_TEXTS = members(
    {
        "specversion": usually(st.sampled_from(['"1.0"', '"1.0"', '"1.0.2"', '"1.0.x"', '"1.1"', "null"]), TEXTS),
        "id": ID_TEXTS,
        "subject": ID_TEXTS,
        "time": TIME_TEXTS,
        "data": usually(EVENT_TEXTS | members(EVENT_PARTS, required=("changes", "profile")), TEXTS),
        "source": TEXTS,
        "data_base64": TEXTS,
        "profile": TEXTS,
    },
    required=("specversion", "subject", "data"),
)
EVENTS = (EVENT_TEXTS | EVENT_TEXTS | ENVELOPE_TEXTS).map(str.encode)

#: Where an event is changed, as a share of its length; how many bytes are taken out there, and what is put in.
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 3),
        st.binary(max_size=2)
        | st.sampled_from([b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\ud800", b"0"]),
    ),
    min_size=1,
    max_size=3,
)


def edited(event: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """An event of which a few bytes are others."""
    for share, out, put in edits:
        at = int(share * len(event))
        event = event[:at] + put + event[at + out :]
    return event
