"""Mappings and profiles of every kind, for the properties."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from exporter.profile.decision import Trigger
from exporter.profile.mapping import MappedSegment, Mapping

# Many of the names and values that are generated are like others, and left out.
often_filtered = settings(suppress_health_check=[HealthCheck.filter_too_much])

KEYS = st.sampled_from(
    ["a", "b", "c", "a.b", "é", "segmentMembership", "identityMap", "id", "status", "ups"]
) | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=4)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))

STATUSES = st.sampled_from(["realized", "existing", "exited"])
IDS = st.sampled_from(["s", "t", "u", "S"])
NAMESPACES = st.sampled_from(["ups", "AAM"])
ENTRIES = st.fixed_dictionaries(
    {}, optional={"status": STATUSES | SCALARS, "lastQualificationTime": SCALARS, "x": VALUES}
)
MEMBERSHIPS = st.dictionaries(NAMESPACES, st.dictionaries(IDS, ENTRIES | st.none(), max_size=3) | SCALARS, max_size=2)
IDENTITIES = st.dictionaries(
    st.sampled_from(["ecid", "Email"]),
    st.lists(st.fixed_dictionaries({}, optional={"id": st.text(max_size=3) | SCALARS, "primary": VALUES}), max_size=2)
    | SCALARS,
    max_size=2,
)
PROFILES = st.builds(
    lambda anything, parts: anything | parts,
    st.dictionaries(KEYS, VALUES, max_size=5),
    st.fixed_dictionaries({}, optional={"segmentMembership": MEMBERSHIPS, "identityMap": IDENTITIES | VALUES}),
)

STEPS = st.sampled_from(["a", "b", "c", "a.b", "é"])
PATHS = st.lists(STEPS, min_size=1, max_size=3).map(tuple)
TIMES = st.none() | st.integers(0, 2**53)
MAPPINGS = st.builds(
    Mapping,
    destination=st.just("crm"),
    segments=st.lists(
        st.builds(MappedSegment, NAMESPACES, IDS, st.none() | st.text(max_size=3), TIMES, TIMES, TIMES, TIMES),
        max_size=3,
    ).map(tuple),
    attributes=st.lists(PATHS, max_size=4).map(tuple),
    segment_membership=st.sampled_from(["all", "mapped"]),
    identity_fields=st.sampled_from([("id",), ("id", "primary")]),
    include_segment_names=st.booleans(),
    include_segment_timestamps=st.booleans(),
    require_membership=st.booleans(),
    triggers=st.sets(st.sampled_from(get_args(Trigger))).map(lambda on: frozenset(on) | {"backfill"}),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "segments": st.lists(
            st.fixed_dictionaries(
                {"id": IDS, "to": STATUSES}, optional={"namespace": NAMESPACES, "from": STATUSES | st.none()}
            ),
            max_size=3,
        ),
        "identities": st.booleans() | st.just(["ecid"]),
        "attributes": st.lists(PATHS.map(".".join), max_size=3),
        "backfill": st.booleans(),
        "joined": st.lists(IDS, max_size=2),
    },
)


ISSUERS = st.sampled_from(["ecid", "Email"])
BLANKS = st.sampled_from(["", "", " ", "\n\t\r "])


def object_text(members: list[tuple[str, str]], blank: str, ascii_only: bool) -> str:
    """A JSON object as text; a key may stand in it twice."""
    inner = ",".join(
        f"{blank}{json.dumps(key, ensure_ascii=ascii_only)}{blank}:{blank}{value}{blank}" for key, value in members
    )
    return f"{{{inner or blank}}}"


def objects(
    keys: st.SearchStrategy[str], values: st.SearchStrategy[str], size: int = 3, least: int = 0
) -> st.SearchStrategy[str]:
    members = st.lists(st.tuples(keys, values), min_size=least, max_size=size)
    return st.builds(object_text, members, BLANKS, st.booleans())


def lists(values: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    return st.builds(
        lambda elements, blank: f"[{blank}{f',{blank}'.join(elements)}{blank}]",
        st.lists(values, min_size=least, max_size=3),
        BLANKS,
    )


def mostly(usual: st.SearchStrategy[str], other: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 9).flatmap(lambda number: usual if number else other)


#: Steps and names that JSON has to escape, or that only look odd.
ODD_STEPS = STEPS | st.sampled_from(["", "f0", "memberships", "null", "class", 'a"b', "a\\b", "a\nb", "\x7f", "\u2028"])

SCALAR_TEXTS = st.builds(json.dumps, SCALARS, ensure_ascii=st.booleans()) | st.sampled_from(["1.10", "1E+2", "-0"])
TEXTS = st.recursive(SCALAR_TEXTS, lambda inner: lists(inner) | objects(ODD_STEPS, inner, 4), max_leaves=8)
STRING_TEXTS = st.sampled_from(['""', '"realized"', '"exited"', '"2022"', '"é"']) | st.builds(
    json.dumps, st.text(st.characters(exclude_categories=["Cs"]), max_size=8), ensure_ascii=st.booleans()
)

WHOLE_ENTRIES = st.builds('{{"status":{},"version":1,"lastQualificationTime":{}}}'.format, STRING_TEXTS, STRING_TEXTS)
ENTRIES_TEXTS = mostly(
    objects(st.sampled_from(["status", "lastQualificationTime", "version"]), mostly(STRING_TEXTS, SCALAR_TEXTS), 4),
    TEXTS,
)
MEMBERSHIP_TEXTS = objects(NAMESPACES, objects(IDS, WHOLE_ENTRIES, least=1)) | mostly(
    objects(NAMESPACES, mostly(objects(IDS, WHOLE_ENTRIES | ENTRIES_TEXTS), TEXTS)), TEXTS
)

WHOLE_IDENTITIES = st.builds(
    '{{"id":{}{}}}'.format,
    STRING_TEXTS,
    st.sampled_from(["", ',"primary":null', ',"primary":{ }', ',"primary":[1.0]', ',"f0":1', ',"id":"2","x":null']),
)
IDENTITY_TEXTS = mostly(objects(st.sampled_from(["id", "primary", 'a"b']), TEXTS), TEXTS)
IDENTITIES_TEXTS = objects(ISSUERS, lists(WHOLE_IDENTITIES, least=1)) | mostly(
    objects(ISSUERS, mostly(lists(WHOLE_IDENTITIES | IDENTITY_TEXTS), TEXTS)), TEXTS
)


def _profile_text(attributes: list[tuple[str, str]], parts: list[tuple[str, str]], blank: str) -> str:
    return object_text([*parts[:1], *attributes, *parts[1:]], blank, ascii_only=True)


#: Profiles as text: whole and broken parts, blanks, escapes, keys that stand there twice.
PROFILE_TEXTS = st.builds(
    _profile_text,
    st.lists(st.tuples(ODD_STEPS, TEXTS), max_size=5),
    st.lists(
        st.tuples(st.just("segmentMembership"), MEMBERSHIP_TEXTS) | st.tuples(st.just("identityMap"), IDENTITIES_TEXTS),
        max_size=3,
    ),
    BLANKS,
)

ODD_MAPPINGS = st.builds(
    replace,
    MAPPINGS,
    attributes=st.lists(st.lists(ODD_STEPS, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple),
    identity_fields=st.lists(st.sampled_from(["id", "primary", "x", "f0", "", 'a"b']), max_size=3).map(tuple),
)
