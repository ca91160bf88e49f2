"""Whatever a client sends to schemas, descriptors, datasets and namespaces has an answer that clients can read."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from registry_parts import DATASETS, DESCRIPTORS, NAMESPACES, REGISTRY, SCHEMAS, Plane, Reply, at

from exporter.source.control.schema_registry.resolving import resolved

_CONTEXT = "https://ns.adobe.com/xdm/context/"
_WORDS = st.sampled_from(
    [
        *("title", "type", "object", "string", "allOf", "properties", "definitions", "$ref", "#/definitions/a", "#"),
        *("#/allOf/0", f"{_CONTEXT}profile", f"{_CONTEXT}identitymap", "required", "meta:immutableTags", "meta:class"),
        *("@type", "xdm:descriptorIdentity", "xdm:sourceSchema", "xdm:sourceProperty", "xdm:namespace", "xdm:property"),
        *("xdm:id", "xdm:isPrimary", "/personID", "name", "schemaRef", "id", "tags", "unifiedProfile", "enabled:true"),
        *("code", "idType", "EMAIL", "op", "path", "value", "add", "remove", "replace", "/allOf/-", "/tags", "a", ""),
    ]
)
_TEXTS = _WORDS | st.text(max_size=6)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


def _alike(right: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What is right, with some of it replaced."""
    return st.fixed_dictionaries({key: st.just(value) | _JSON for key, value in right.items()})


_SCHEMA = _alike({"title": "t", "allOf": [{"$ref": f"{_CONTEXT}profile"}], "properties": {"a": {"type": "string"}}})
_DESCRIPTOR = _alike(
    {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": "SCHEMA",
        "xdm:sourceProperty": "/personID",
        "xdm:namespace": "Email",
        "xdm:property": "xdm:id",
        "xdm:isPrimary": True,
    }
)
_DATASET = _alike({"name": "n", "schemaRef": {"id": "SCHEMA"}, "tags": {"unifiedProfile": ["enabled:true"]}})
_NAMESPACE = _alike({"name": "n", "code": "N", "idType": "EMAIL"})
_PATCH = st.lists(_alike({"op": "add", "path": "/tags/x", "value": ["y"]}), max_size=3)
_BODIES = _JSON | _SCHEMA | _DESCRIPTOR | _DATASET | _NAMESPACE | _PATCH
_ACCEPTS = (
    st.none()
    | st.text(max_size=20)
    | st.lists(
        st.sampled_from(["xed", "xdm", "full", "notext", "flat", "desc", "id", "link", "v2", "odd", ""]), max_size=4
    ).map(lambda words: f"application/vnd.adobe.{'-'.join(words)}+json; version=1")
)
_QUERIES = st.text(max_size=20) | st.builds(
    lambda name, sign, value: f"{name}{sign}{quote(value)}",
    st.sampled_from(["property=title", "property=@type", "property", "limit", "start", "orderby", "orderBy", "name"]),
    st.sampled_from(["==", "!=", "=", "~", ">", ""]),
    st.text(max_size=5) | st.sampled_from(["1", "-1", "a,b", "a==b,c", "desc:created"]),
)
_PATHS = (SCHEMAS, DESCRIPTORS, DATASETS, NAMESPACES, f"{REGISTRY}/stats", f"{REGISTRY}/global/fieldgroups")
_STATUSES = {200, 201, 204, 400, 404, 405, 406}


def _with(body: Any, schema_id: str) -> Any:
    """With the schema's id in the place of the word for it."""
    if isinstance(body, dict):
        return {key: _with(value, schema_id) for key, value in body.items()}
    return schema_id if body == "SCHEMA" else body


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
            st.sampled_from(_PATHS),
            st.sampled_from(["", "first", "odd"]),
            _BODIES,
            _ACCEPTS,
            _QUERIES,
        ),
        min_size=1,
        max_size=6,
    ),
    st.text(min_size=1, max_size=5),
)
@settings(max_examples=200)
def test_every_request_has_an_answer(requests: list[Any], odd: str) -> None:
    async def ask_all() -> None:
        plane = Plane()
        schema = await plane.make_schema()
        descriptor = (await plane.make_descriptor(schema, "/personID")).body["@id"]
        dataset = await plane.make_dataset(schema)
        firsts = {
            SCHEMAS: at(schema),
            DESCRIPTORS: f"{DESCRIPTORS}/{descriptor}",
            DATASETS: f"{DATASETS}/{dataset}",
            NAMESPACES: f"{NAMESPACES}/Email",
        }
        for method, path, which, body, accept, query in requests:
            one = f"{path}/{quote(odd, safe='')}" if which == "odd" else firsts.get(path, path) if which else path
            reply = await plane.ask(method, one, _with(body, schema["$id"]), accept=accept, query=query)
            _readable(reply)

    asyncio.run(ask_all())


def _readable(reply: Reply) -> None:
    assert reply.status in _STATUSES
    if reply.status >= 400:
        assert reply.body["status"] == reply.status
        assert reply.body["errorDetails"]
        assert reply.body["errorCode"].endswith(f"-{reply.status}")


@given(st.dictionaries(_TEXTS, _JSON, max_size=5) | _SCHEMA)
@settings(max_examples=300)
def test_any_fields_resolve_or_say_why(fields: dict[str, Any]) -> None:
    document = resolved(fields)
    if isinstance(document, tuple):
        assert document
        assert all(each.reason for each in document)
    else:
        assert "allOf" not in document
