"""The identities of a record, and which of them is primary."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.records import Identity
from exporter.source.xdm.identified import (
    Identified,
    IdentityRules,
    NoId,
    SeveralPrimaries,
    Unidentified,
    UnknownNamespace,
)
from exporter.source.xdm.identities import identities_of
from exporter.source.xdm.identity_paths import IdentityDescriptor, steps_to
from exporter.source.xdm.schema import Schema, compile_schema

WORK = IdentityDescriptor("/workEmail/address", "Email", primary=True)
CRM = IdentityDescriptor("crmId", "CRMID")
#: Open and without types: what records of other schemas hold, and what nobody validated, comes through.
UNTYPED: dict[str, Any] = {"properties": {"crmId": {}, "workEmail": {}, "emails": {}, "identityMap": {}}}


def schema_of(*descriptors: IdentityDescriptor) -> Schema:
    schema = compile_schema(UNTYPED, identities=descriptors)
    assert isinstance(schema, Schema), schema
    return schema


def found(*descriptors: IdentityDescriptor, entity: Any, meta: Any = None, **rules: Any) -> Identified:
    identified = identities_of(schema_of(*descriptors), entity, meta, IdentityRules(**rules))
    assert isinstance(identified, Identified), identified
    return identified


def refused(*descriptors: IdentityDescriptor, entity: Any, meta: Any = None, **rules: Any) -> Unidentified:
    identified = identities_of(schema_of(*descriptors), entity, meta, IdentityRules(**rules))
    assert isinstance(identified, Unidentified), identified
    return identified


def marked(identified: Identified) -> list[str]:
    """The identities as text, the primary with a star."""
    return [f"{each.namespace}:{each.id}{'*' if each.primary else ''}" for each in identified.identities]


A_MAIL = {"workEmail": {"address": "a@b.de"}}


@pytest.mark.parametrize(
    ("descriptors", "entity", "meta", "identities"),
    [
        pytest.param([WORK], A_MAIL, None, ["email:a@b.de*"], id="the primary descriptor"),
        pytest.param(
            [CRM, WORK], {**A_MAIL, "crmId": "7"}, None, ["crmid:7", "email:a@b.de*"], id="it need not be first"
        ),
        pytest.param([CRM], {"crmId": "7"}, None, ["crmid:7*"], id="the only one"),
        pytest.param([CRM], {"crmId": 7}, None, ["crmid:7*"], id="an integer is an id, as text"),
        pytest.param([CRM], {"crmId": "  7\t"}, None, ["crmid:7*"], id="without blanks around it"),
        pytest.param(
            [WORK, CRM], {"workEmail": {"address": " "}, "crmId": "7"}, None, ["crmid:7*"], id="a blank is no id"
        ),
        pytest.param([WORK, CRM], {"workEmail": {"address": None}, "crmId": "7"}, None, ["crmid:7*"], id="nor is null"),
        pytest.param(
            [], {"identityMap": {"ECID": [{"id": "1"}], "Email": [{"id": "a", "primary": True}]}}, None,
            ["ecid:1", "email:a*"], id="the one that is marked in identityMap",
        ),
        pytest.param([], {"identityMap": {"ECID": [{"id": "1"}]}}, None, ["ecid:1*"], id="the only one of identityMap"),
        pytest.param(
            [WORK], {**A_MAIL, "identityMap": {"ECID": [{"id": "1"}]}}, {"X": [{"id": "2"}]},
            ["email:a@b.de*", "ecid:1", "x:2"], id="descriptors, then identityMap, then that of xdmMeta",
        ),
        pytest.param([], {}, {"X": [{"id": "2", "primary": True}]}, ["x:2*"], id="xdmMeta alone"),
        pytest.param(
            [WORK], {**A_MAIL, "identityMap": {"EMAIL": [{"id": "a@b.de"}], "email": [{"id": " a@b.de "}]}}, None,
            ["email:a@b.de*"], id="each once, whatever the case of its namespace",
        ),
        pytest.param([WORK], {"workEmail": {"address": "A@B"}}, None, ["email:A@B*"], id="the case of ids is kept"),
        pytest.param(
            [IdentityDescriptor("emails[*].address", "email", primary=True)],
            {"emails": [{"address": "a"}, {}, {"address": "b"}, {"address": ["c", "a"]}]}, None,
            ["email:a*", "email:b", "email:c"], id="arrays: each element, the first is primary",
        ),
    ],
)  # fmt: skip
def test_identities_are_found_in_order(descriptors: Any, entity: Any, meta: Any, identities: list[str]) -> None:
    identified = found(*descriptors, entity=entity, meta=meta)
    assert marked(identified) == identities
    assert identified.primary in identified.identities
    assert identified.primary.primary


def test_the_state_is_kept_from_wherever_it_is_told_first() -> None:
    entity = {
        **A_MAIL,
        "identityMap": {"Email": [{"id": "a@b.de"}, {"id": "a@b.de", "authenticatedState": "loggedOut"}]},
    }
    meta = {"Email": [{"id": "a@b.de", "authenticatedState": "authenticated"}]}
    assert found(WORK, entity=entity, meta=meta).identities == (Identity("email", "a@b.de", "loggedOut", True),)


@pytest.mark.parametrize(
    ("descriptors", "entity", "primary", "count"),
    [
        ([], {"identityMap": {"A": [{"id": "1", "primary": True}, {"id": "2", "primary": True}]}}, "a:1", 2),
        ([WORK], {**A_MAIL, "identityMap": {"A": [{"id": "1", "primary": True}]}}, "email:a@b.de", 2),
        (
            [CRM, WORK],
            {**A_MAIL, "crmId": "1", "identityMap": {"CRMID": [{"id": "1", "primary": True}]}},
            "email:a@b.de",
            2,
        ),
        (
            [IdentityDescriptor("emails", "email", primary=True)],
            {"emails": ["x", "y", "z"]},
            "email:x",
            3,
        ),
    ],
)
def test_of_several_primaries_the_first_is_taken_with_a_warning(
    descriptors: Any, entity: Any, primary: str, count: int
) -> None:
    identified = found(*descriptors, entity=entity)
    assert f"{identified.primary.namespace}:{identified.primary.id}" == primary
    assert identified.warnings == (SeveralPrimaries(count),)
    assert sum(each.primary for each in identified.identities) == 1


def test_one_identity_that_is_called_primary_twice_is_no_warning() -> None:
    entity = {**A_MAIL, "identityMap": {"Email": [{"id": "a@b.de", "primary": True}]}}
    assert found(WORK, entity=entity).warnings == ()


@pytest.mark.parametrize(
    ("descriptors", "entity"),
    [
        ([WORK], {}),
        ([WORK], None),
        ([], {"identityMap": {}}),
        ([], {"identityMap": {"A": []}}),
        ([], {"identityMap": {"A": [{}]}}),
        ([], {"identityMap": {" ": [{"id": "1"}]}}),
        ([], {"identityMap": {"A": [{"id": "1"}, {"id": "2"}]}}),
        ([], {"identityMap": {"A": [{"id": "1", "primary": "true"}, {"id": "2"}]}}),
        ([CRM], {"crmId": "1", "identityMap": {"A": [{"id": "1"}]}}),
    ],
)
def test_a_record_without_a_primary_identity_is_bad(descriptors: Any, entity: Any) -> None:
    problem = refused(*descriptors, entity=entity)
    assert problem.reason == "no_primary_identity"
    assert problem.violation.as_report() == {
        "schemaLocation": "#",
        "pointerToViolation": "#",
        "causingExceptions": [],
        "message": "primary identity not found",
    }


def test_a_record_has_so_many_identities() -> None:
    entity = {"identityMap": {"A": [{"id": str(n), "primary": n == 0} for n in range(20)]}}
    assert len(found(entity=entity).identities) == 20
    entity["identityMap"]["B"] = [{"id": "x"}]
    problem = refused(entity=entity)
    assert problem.reason == "too_many_identities"
    assert problem.violation.message == "21 identities found, of which 20 are allowed"
    assert refused(entity=entity, most=3).reason == "too_many_identities"
    assert len(found(entity=entity, most=50).identities) == 21


def test_namespaces_that_are_not_known_are_a_warning_or_refused() -> None:
    entity = {"identityMap": {"Email": [{"id": "1", "primary": True}], "Mine": [{"id": "2"}], "Yours": [{"id": "3"}]}}
    known = frozenset({"email"})
    assert found(entity=entity).warnings == ()
    assert found(entity=entity, known=known).warnings == (UnknownNamespace("mine"), UnknownNamespace("yours"))
    problem = refused(entity=entity, known=known, declared_only=True)
    assert problem.reason == "unknown_namespace"
    assert problem.violation.message == "identity namespace [mine] is not declared"
    assert found(entity=entity, known=known | {"mine", "yours"}, declared_only=True).warnings == ()


def test_ids_of_some_namespaces_are_kept_in_lower_case() -> None:
    entity = {"workEmail": {"address": "A@b.DE"}, "identityMap": {"Email": [{"id": "a@B.de"}], "X": [{"id": "A"}]}}
    assert marked(found(WORK, entity=entity, lowercase_ids=frozenset({"email"}))) == ["email:a@b.de*", "x:A"]


@pytest.mark.parametrize("value", [True, 1.5, {}, {"id": "1"}])
def test_what_can_be_no_id_is_left_out_with_a_warning(value: Any) -> None:
    identified = found(WORK, CRM, entity={**A_MAIL, "crmId": value})
    assert marked(identified) == ["email:a@b.de*"]
    assert identified.warnings == (NoId("#/crmId"),)
    identified = found(WORK, entity={**A_MAIL, "identityMap": {"A/B": [{"id": value}]}})
    assert identified.warnings == (NoId("#/identityMap/A~1B/0/id"),)


@pytest.mark.parametrize(
    ("given_map", "pointer"),
    [
        ("x", "#/identityMap"),
        ([], "#/identityMap"),
        ({"A": {"id": "1"}}, "#/identityMap/A"),
        ({"A": ["1"]}, "#/identityMap/A"),
        ({"A": None}, "#/identityMap/A"),
    ],
)
def test_a_map_that_is_none_is_bad(given_map: Any, pointer: str) -> None:
    problem = refused(WORK, entity={**A_MAIL, "identityMap": given_map})
    assert (problem.reason, problem.violation.pointer) == ("xdm", pointer)
    problem = refused(WORK, entity=A_MAIL, meta=given_map)
    assert problem.violation.pointer == pointer.replace("#", "#/xdmMeta")


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("/workEmail/address", ("workEmail", "address")),
        ("workEmail.address", ("workEmail", "address")),
        (r"a\.b.c", ("a.b", "c")),
        ("/a~1b/c.d", ("a/b", "c.d")),
        ("/emails[*]/address", ("emails", "address")),
        ("emails[].address[]", ("emails", "address")),
        ("/emails/*/address", ("emails", "address")),
    ],
)
def test_paths_of_descriptors(path: str, steps: tuple[str, ...]) -> None:
    assert steps_to(path) == steps


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.floats() | st.sampled_from(["", " ", "a", "A", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["A", "a", " ", "id", "primary", "authenticatedState", "address"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
ENTRIES = st.lists(
    st.fixed_dictionaries({}, optional={"id": JSON, "primary": st.booleans() | JSON, "authenticatedState": JSON}),
    max_size=3,
)
MAPS = JSON | st.dictionaries(st.sampled_from(["A", "a", "b", " "]), ENTRIES, max_size=3)


@settings(max_examples=200)
@given(st.fixed_dictionaries({}, optional={"crmId": JSON, "workEmail": JSON, "identityMap": MAPS}) | JSON, MAPS)
def test_any_record_has_one_primary_identity_or_is_bad(entity: Any, meta: Any) -> None:
    identified = identities_of(schema_of(WORK, CRM), entity, meta)
    if isinstance(identified, Identified):
        assert [each for each in identified.identities if each.primary] == [identified.primary]
        keys = [(each.namespace, each.id) for each in identified.identities]
        assert len(set(keys)) == len(keys) <= 20
        assert all(text == text.strip() != "" for key in keys for text in key)
        assert all(namespace == namespace.lower() for namespace, _ in keys)
