"""Lists: what filters let through, in which order, page after page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.control.listing import listed
from exporter.source.control.request import Request, query_of

FLOWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "name": "A, B",
        "state": "enabled",
        "createdAt": 100,
        "etag": '"e1"',
        "sourceConnectionIds": ["s1", "s2"],
        "transformations": [{"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": 0}}],
        "inheritedAttributes": {"properties": {"isSourceFlow": True}},
    },
    {"id": "2", "name": "b", "state": "disabled", "createdAt": 300, "sourceConnectionIds": ["s2"], "description": None},
    {"id": "3", "name": "c", "state": "enabled", "createdAt": 200.5, "inheritedAttributes": {"properties": {}}},
]
#: The fields of flows that are told here, by which these may be ordered.
SHAPE = {"properties": dict.fromkeys(("id", "createdAt", "name", "state", "description", "inheritedAttributes"))}


def ask(query: str, documents: Any = FLOWS) -> Answer:
    head = RequestHead("GET", "/flows", query, {}, 0)
    return listed(Request(head, query=query_of(head)), documents, "/flows", SHAPE)


def body_of(answer: Answer) -> Any:
    return orjson.loads(answer.body)


def shown(query: str, documents: Any = FLOWS) -> list[str]:
    answer = ask(query, documents)
    assert answer.status == 200, answer.body
    return [each["id"] for each in body_of(answer)["items"]]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([], ["1", "2", "3"]),
        (["state==enabled"], ["1", "3"]),
        (["state==Enabled"], ["1", "3"]),
        (["name==B"], []),  # names have a case
        (["name==A, B"], ["1"]),  # a value may hold a comma
        (["name==b,c"], ["2", "3"]),
        (['name=="b"'], ["2"]),
        (["name=b"], ["2"]),
        (["name!=b,c"], ["1"]),
        (["state!=enabled"], ["2"]),
        (["missing!=x"], ["1", "2", "3"]),
        (["missing==x"], []),
        (["state==enabled", "name==c"], ["3"]),
        (["createdAt>200"], ["2", "3"]),
        (["createdAt>=200.5"], ["2", "3"]),
        (["createdAt<200.5"], ["1"]),
        (["createdAt<=200.5"], ["1", "3"]),
        (["createdAt==300"], ["2"]),
        (["createdAt==300.0,100"], ["1", "2"]),
        (["createdAt>b"], []),
        (["name>=b"], ["2", "3"]),
        (["inheritedAttributes.properties.isSourceFlow==true"], ["1"]),
        (["inheritedAttributes.properties.isSourceFlow==True"], ["1"]),
        (["inheritedAttributes.properties.isDestinationFlow==true"], []),
        (["sourceConnectionIds[]==s1"], ["1"]),
        (["sourceConnectionIds[]==s1,s2"], ["1", "2"]),
        (["sourceConnectionIds[1]==s2"], ["1"]),
        (["sourceConnectionIds==s2"], ["1", "2"]),
        (["sourceConnectionIds[]!=s1"], ["2", "3"]),
        (["transformations[].params.mappingId==m"], ["1"]),
        (["transformations[0].params.mappingVersion==0"], ["1"]),
        (["transformations[1].params.mappingVersion==0"], []),
        (['etag=="e1"'], ["1"]),
        (["etag==e1"], []),
        (["description==null"], ["2"]),
    ],
)
def test_which_documents_pass(filters: list[str], ids: list[str]) -> None:
    assert shown(urlencode([("property", each) for each in filters])) == ids


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("createdAt", ["1", "3", "2"]),
        ("-createdAt", ["2", "3", "1"]),
        ("%2BcreatedAt", ["1", "3", "2"]),
        ("+createdAt", ["1", "3", "2"]),
        ("state,-createdAt", ["2", "3", "1"]),
        ("-state,createdAt", ["1", "3", "2"]),
        ("-description", ["1", "2", "3"]),
        ("inheritedAttributes.properties.isSourceFlow", ["1", "2", "3"]),
    ],
)
def test_the_order(order: str, ids: list[str]) -> None:
    assert shown(f"orderby={order}") == ids


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=5&count=true", "1401-400"),
        ("limit=0", "1400-400"),
        ("limit=101", "1400-400"),
        ("limit=x", "1400-400"),
        ("count=maybe", "1400-400"),
        ("orderby=name%20desc", "1432-400"),
        ("orderby=desc:name", "1432-400"),
        ("orderby=%23id", "1433-400"),
        ("orderby=", "1433-400"),
        ("orderby=name,", "1433-400"),
        ("orderby=a..b", "1433-400"),
        ("orderby=createdAt,missing", "1433-400"),
        ("orderby=missing.createdAt", "1433-400"),
        ("property=id~5", "1440-400"),
        ("property=id<=1,2", "1443-400"),
        ("property=a[==1", "1449-400"),
        ("property=a[x]==1", "1449-400"),
        ("property=a..b==1", "1449-400"),
        ("property=id!>1", "1450-400"),
        ("property=id!1", "1450-400"),
        ("property=createdAt==", "1453-400"),
        ("property===5", "1453-400"),
        ("property=createdAt", "1453-400"),
        ("property=", "1453-400"),
        ("continuationToken=x", "1451-400"),
        ("continuationToken=ÿ", "1451-400"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_code(query: str, code: str) -> None:
    answer = ask(query)
    body = body_of(answer)
    assert (answer.status, body["errorCode"], body["status"]) == (400, code, 400)
    assert body["errorMessage"]
    assert body["errorDetails"]


def test_counted_alone() -> None:
    assert body_of(ask("count=True&property=state==enabled")) == {"count": 2}


def test_twenty_a_page_and_the_links_are_always_there() -> None:
    many = [{"id": str(number)} for number in range(21)]
    first = body_of(ask("", many))
    assert len(first["items"]) == 20
    assert body_of(ask("", many[:20]))["_links"] == {}
    assert first["_links"]["next"]["templated"] is False


def whole_link(href: str) -> str:
    """The query of a client that follows a link as it is."""
    return urlsplit(href).query


def cut_at_equals(href: str, query: str = "limit=3&orderby=-createdAt&property=createdAt>=0") -> str:
    """The query of aepp, which takes what stands between the first two signs of equality for the token."""
    return f"{query}&{urlencode({'continuationToken': href.split('=')[1]})}"


@pytest.mark.parametrize("following", [whole_link, cut_at_equals])
def test_pages_show_everything_once(following: Any) -> None:
    many: list[dict[str, Any]] = [{"id": f"ü{number}=", "createdAt": number % 4} for number in range(10)]
    seen: list[str] = []
    query = "limit=3&orderby=-createdAt&property=createdAt>=0"
    while True:
        body = body_of(ask(query, many))
        seen += [each["id"] for each in body["items"]]
        if not body["_links"]:
            break
        href = body["_links"]["next"]["href"]
        assert href.startswith("/flows?continuationToken=")
        query = following(href)
    assert sorted(seen) == sorted(each["id"] for each in many)
    assert len(seen) == 10


@pytest.mark.parametrize(
    ("meanwhile", "ids"),
    [
        ([0, 1, 2, 3, 4], ["2", "3"]),
        ([9, 0, 1, 2, 3, 4], ["2", "3"]),  # something came before
        ([1, 2, 3, 4], ["2", "3"]),  # something that was shown has gone
        ([0, 2, 3, 4], ["2", "3"]),  # what was shown last has gone
        ([], []),
    ],
)
def test_the_next_page_begins_where_the_one_before_ended(meanwhile: list[int], ids: list[str]) -> None:
    first = body_of(ask("limit=2", [{"id": str(number)} for number in range(5)]))
    now = [{"id": str(number)} for number in meanwhile]
    assert shown(whole_link(first["_links"]["next"]["href"]), now) == ids


queries = st.lists(
    st.tuples(
        st.sampled_from(["property", "orderby", "limit", "count", "continuationToken", "other"]),
        st.text(max_size=12)
        | st.sampled_from(
            ["createdAt>1", "state==enabled", "-createdAt", "2", "true", "1 2", "MiAy", "a[].b==1,2", "id"]
        ),
    ),
    max_size=5,
)
documents = st.lists(
    st.fixed_dictionaries(
        {"id": st.text(max_size=3)},
        optional={
            "createdAt": st.none()
            | st.integers(-(2**63), 2**64 - 1)
            | st.text(max_size=2)
            | st.booleans()
            | st.floats(allow_nan=False),
            "a": st.lists(st.dictionaries(st.just("b"), st.integers(0, 3) | st.lists(st.integers(0, 3)))),
        },
    ),
    max_size=30,
)


@given(queries, documents)
def test_any_query_is_answered_with_a_page_or_in_the_shape_of_errors(query: Any, many: Any) -> None:
    answer = ask(urlencode(query), many)
    body = body_of(answer)
    if answer.status == 200:
        assert set(body) in ({"items", "_links"}, {"count"})
        for link in body.get("_links", {}).values():
            assert dict(parse_qsl(urlsplit(link["href"]).query))["continuationToken"]
    else:
        assert answer.status == 400
        assert set(body) == {"errorCode", "errorMessage", "errorDetails", "status"}
