"""What becomes of a body: forms, flows, answers, the order of checks; and that no bytes are beyond it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import orjson
import pytest
from data_plane import DELETING, NAME, NOW, OPEN, ORG, TWO_MAPPINGS, plane, violations_of
from hypothesis import given
from hypothesis import strategies as st

from exporter.source.collection.checks.admission import Admitted, admit
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.collected import Collected
from exporter.source.collection.checks.collecting import MAX_MESSAGES, collect
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.plane import Inlet
from exporter.source.collection.stamp import Stamp
from exporter.source.collection.taken import Form

STAMP = Stamp(NOW, NAME)
SCHEMA = {"id": "https://ns/schema-1", "contentType": "application/vnd.adobe.xed-full+json; version=1.0"}
ENTITY = {"_id": "1", "person": {"id": 7}}
UNKNOWN = "Message has unknown xdm format"
NO_FLOW = "flow not found for inlet"


def xdm(header: dict[str, Any] | None = None, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "header": {"schemaRef": SCHEMA, "imsOrgId": ORG, "datasetId": "dataset-1", **(header or {})},
        "body": {"xdmMeta": {"schemaRef": SCHEMA}, "xdmEntity": ENTITY, **(body or {})},
    }


def without(message: dict[str, Any], part: str, key: str) -> dict[str, Any]:
    return {**message, part: {name: value for name, value in message[part].items() if name != key}}


def take(body: bytes, inlet: Inlet = OPEN, *, batch: bool = False, query: str = "", **headers: Any) -> Collected:
    path = f"/collection/{'batch/' if batch else ''}{inlet.id}"
    head = RequestHead("POST", path, query, {name.replace("_", "-"): value for name, value in headers.items()})
    admitted = admit(head, plane())
    assert isinstance(admitted, Admitted)
    return collect(admitted, body, STAMP, violations_of)


@pytest.mark.parametrize(
    ("message", "inlet", "headers", "found"),
    [
        pytest.param({"a": 1}, OPEN, {}, ("flow-mapped", "dataset-1", Form.RAW), id="raw"),
        pytest.param({"a": 1}, TWO_MAPPINGS, {}, UNKNOWN, id="several mappings"),
        pytest.param({"a": 1}, DELETING, {}, UNKNOWN, id="no mapping"),
        pytest.param(
            {"a": 1},
            TWO_MAPPINGS,
            {"x_adobe_flow_id": "flow-mapped-2"},
            ("flow-mapped-2", "dataset-1", Form.RAW),
            id="named",
        ),
        pytest.param({"a": 1}, OPEN, {"x_adobe_flow_id": "flow-off"}, "flow is disabled", id="disabled"),
        pytest.param({"a": 1}, OPEN, {"x_adobe_flow_id": "flow-mapped-2"}, NO_FLOW, id="of another inlet"),
        pytest.param({"a": 1}, OPEN, {"x_adobe_flow_id": "flow-plain"}, UNKNOWN, id="raw without mapping"),
        pytest.param(
            {"header": {"x": 1}, "body": {"y": 2}},
            OPEN,
            {},
            ("flow-mapped", "dataset-1", Form.RAW),
            id="a webhook's header",
        ),
        pytest.param(
            {"header": "x", "body": 1}, OPEN, {}, ("flow-mapped", "dataset-1", Form.RAW), id="a header that is text"
        ),
        pytest.param(
            {"header": {"flowId": "flow-mapped"}, "body": {"y": 2}},
            OPEN,
            {},
            ("flow-mapped", "dataset-1", Form.WRAPPED),
            id="wrapped",
        ),
        pytest.param(
            {"header": {"imsOrgId": ORG}, "body": {}},
            OPEN,
            {},
            ("flow-mapped", "dataset-1", Form.WRAPPED),
            id="wrapped, no flow",
        ),
        pytest.param(
            {"header": {"flowId": "flow-mapped"}, "body": {}, "x": 1},
            OPEN,
            {},
            ("flow-mapped", "dataset-1", Form.RAW),
            id="a third key",
        ),
        pytest.param(
            {"header": {"flowId": 7}, "body": {}},
            OPEN,
            {},
            "Message has an id that is not a string in the header",
            id="flow no text",
        ),
        pytest.param(
            {"header": {"flowId": "flow-mapped", "datasetId": "dataset-3"}, "body": {}},
            OPEN,
            {},
            ("flow-mapped", "dataset-3", Form.WRAPPED),
            id="another dataset",
        ),
        pytest.param(
            {"header": {"flowId": "flow-mapped", "datasetId": "dataset-2"}, "body": {}},
            OPEN,
            {},
            "Message has a dataset whose schema is not that of the flow's dataset",
            id="another schema",
        ),
        pytest.param(
            {"header": {"flowId": "flow-mapped", "datasetId": "dataset-9"}, "body": {}},
            OPEN,
            {},
            "dataset not found for inlet",
            id="a foreign dataset",
        ),
        pytest.param(xdm(), OPEN, {}, ("flow-plain", "dataset-1", Form.XDM), id="xdm"),
        pytest.param(
            xdm({"datasetId": "dataset-3"}), OPEN, {}, ("", "dataset-3", Form.XDM), id="xdm that no flow counts"
        ),
        pytest.param(
            xdm({"flowId": "flow-plain"}),
            OPEN,
            {"x_adobe_flow_id": "nonsense"},
            ("flow-plain", "dataset-1", Form.XDM),
            id="the message's flow first",
        ),
        pytest.param(
            xdm(),
            OPEN,
            {"x_adobe_flow_id": "flow-mapped"},
            ("flow-mapped", "dataset-1", Form.XDM),
            id="xdm that is mapped",
        ),
        pytest.param(
            without(xdm(), "header", "datasetId"),
            OPEN,
            {"x_adobe_dataset_id": "dataset-3"},
            ("", "dataset-3", Form.XDM),
            id="dataset of the head",
        ),
        pytest.param(
            xdm(),
            OPEN,
            {"x_adobe_dataset_id": "dataset-3"},
            ("flow-plain", "dataset-1", Form.XDM),
            id="the message's dataset first",
        ),
        pytest.param(
            without(xdm(), "header", "datasetId"),
            OPEN,
            {},
            "Message names neither a flow nor a dataset",
            id="no dataset",
        ),
        pytest.param(
            without(xdm(), "header", "datasetId"),
            OPEN,
            {"x_adobe_flow_id": "flow-plain"},
            ("flow-plain", "dataset-1", Form.XDM),
            id="the flow's dataset",
        ),
        pytest.param(
            xdm({"imsOrgId": "B@AdobeOrg"}), OPEN, {}, "Message has an absent or wrong ims org in the header", id="org"
        ),
        pytest.param(
            without(xdm(), "header", "imsOrgId"), OPEN, {}, ("flow-plain", "dataset-1", Form.XDM), id="no org"
        ),
        pytest.param({"header": {"schemaRef": SCHEMA}}, OPEN, {}, UNKNOWN, id="xdm without body"),
        pytest.param(without(xdm(), "body", "xdmEntity"), OPEN, {}, UNKNOWN, id="xdm without entity"),
        pytest.param(
            {"body": {"xdmEntity": ENTITY}},
            OPEN,
            {"x_adobe_flow_id": "flow-plain"},
            ("flow-plain", "dataset-1", Form.XDM),
            id="entity alone",
        ),
        pytest.param(xdm(body={"xdmEntity": [1]}), OPEN, {}, UNKNOWN, id="entity no object"),
        pytest.param(
            xdm(body={"xdmMeta": {"schemaRef": {"id": "https://ns/schema-2"}}}),
            OPEN,
            {},
            "Message has different schemas in header and body",
            id="two schemas",
        ),
        pytest.param(
            xdm({"datasetId": "dataset-2"}),
            OPEN,
            {},
            "Message has a schema that is not that of its dataset",
            id="dataset of another schema",
        ),
        pytest.param(xdm({"schemaRef": 1}), OPEN, {}, UNKNOWN, id="schema no object"),
        pytest.param(xdm({"operations": {"data": "delete"}}), OPEN, {}, "Inlet takes no deletes", id="delete"),
        pytest.param(
            xdm({"operations": {"data": "delete"}}),
            DELETING,
            {},
            ("flow-plain", "dataset-1", Form.XDM),
            id="delete that is allowed",
        ),
        pytest.param([], OPEN, {}, "Message is not a JSON object", id="array"),
        pytest.param(None, OPEN, {}, "Message is not a JSON object", id="null"),
    ],
)
def test_forms_and_flows(
    message: object, inlet: Inlet, headers: dict[str, Any], found: tuple[str, str, Form] | str
) -> None:
    body = orjson.dumps(message)
    collected = take(body, inlet, **headers)
    if isinstance(found, str):
        assert collected.records == ()
        assert collected.answer.status == 400
        words = f"inletId: [{inlet.id}] imsOrgId: [{ORG}] {found}"
        assert orjson.loads(collected.answer.body)["report"] == {"message": words}
    else:
        (kept,) = collected.records
        record = kept.record
        assert collected.answer.status == 200
        assert (record.flow, record.dataset, record.form, record.body, record.xaction_id) == (*found, body, NAME)


def test_the_query_names_a_flow_after_the_header() -> None:
    assert take(b"{}", TWO_MAPPINGS, query="x-adobe-flow-id=flow-mapped").records[0].record.flow == "flow-mapped"
    named = take(b"{}", TWO_MAPPINGS, query="x-adobe-flow-id=flow-mapped", x_adobe_flow_id="flow-mapped-2")
    assert named.records[0].record.flow == "flow-mapped-2"


@pytest.mark.parametrize(
    ("entity", "key"),
    [
        ({"person": {"id": 7}}, "7"),
        ({"person": {"id": "x"}}, "x"),
        ({"person": {"id": True}}, None),
        ({"person": 1}, None),
    ],
)
def test_the_key_of_the_lane(entity: dict[str, Any], key: str | None) -> None:
    (kept,) = take(orjson.dumps(xdm(body={"xdmEntity": entity})), DELETING).records
    assert kept.key == (key or DELETING.id)
    assert take(b"{}").records[0].key == OPEN.id


def test_a_batch_to_the_byte() -> None:
    body = b'{"messages": [ {"a": 1},"x" , {"b" : "\xc3\xa4"}], "more": 1}'
    collected = take(body, batch=True)
    assert (
        collected.answer.body
        == (
            f'{{"inletId":"{OPEN.id}","batchId":"{NAME}","receivedTimeMs":{NOW},"responses":['
            f'{{"xactionId":"{NAME}:0"}},'
            f'{{"xactionId":"{NAME}-1","status":400,"statusCode":400,'
            f'"message":"inletId: [{OPEN.id}] imsOrgId: [{ORG}] Message is not a JSON object"}},'
            f'{{"xactionId":"{NAME}:2"}}]}}'
        ).encode()
    )
    assert collected.answer.status == 207
    assert [(each.record.xaction_id, each.record.body) for each in collected.records] == [
        (f"{NAME}:0", b'{"a": 1}'),
        (f"{NAME}:2", b'{"b" : "\xc3\xa4"}'),
    ]
    (refused,) = collected.refused
    assert (refused.index, refused.body, refused.reason) == (1, b'"x"', "Message is not a JSON object")
    assert collected.kept == (0, 2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"messages":[]}', 207),
        (b'{"messages":[1],"messages":[]}', 400),
        (b"{}", 400),
        (b'{"messages":{}}', 400),
        (b'{"messages":null}', 400),
        (b"[]", 400),
        (b'{"messages":[}', 400),
        (b'{"messages":["\xff"]}', 400),
        (b'{"messages":[' + b"[" * 5000 + b"]" * 5000 + b"]}", 400),
        (b'{"messages":[%b]}' % b",".join([b"{}"] * (MAX_MESSAGES + 1)), 413),
        (b"", 400),
    ],
)
def test_batches_whose_envelope_counts(body: bytes, status: int) -> None:
    collected = take(body, batch=True)
    assert (collected.answer.status, collected.records) == (status, ())


def test_elements_of_a_batch_are_judged_one_by_one() -> None:
    deep = b'{"a":' * 65 + b"1" + b"}" * 65
    body = b'{"messages":[{"a":1},%b,{"a":18446744073709551616},{"a":"\\ud800"},{"a":1e999},{"wrong":1}]}' % deep
    collected = take(body, batch=True, query="syncValidation=true")
    assert [each.index for each in collected.refused] == [1, 2, 3, 4]
    assert collected.kept == (0, 5)


@pytest.mark.parametrize(
    ("query", "behind"),
    [
        ("", None),
        ("syncValidation=false", {"skipped": True}),
        ("syncValidation=False", {"skipped": True}),
        ("syncValidation=true", {"status": "pass"}),
        ("synchronousValidation=True", {"status": "pass"}),
    ],
)
def test_synchronous_validation(query: str, behind: object) -> None:
    expected: dict[str, object] = {"inletId": OPEN.id, "xactionId": NAME, "receivedTimeMs": NOW}
    if behind is not None:
        expected["syncValidation"] = behind
    collected = take(b'{"a":1}', query=query)
    assert list(orjson.loads(collected.answer.body).items()) == list(expected.items())
    assert len(collected.records) == 1


def test_what_fails_synchronously_is_not_kept() -> None:
    collected = take(b'{"wrong":1}', query="syncValidation=true")
    assert (collected.answer.status, collected.records) == (400, ())
    assert orjson.loads(collected.answer.body)["report"] == {
        "message": f"inletId: [{OPEN.id}] imsOrgId: [{ORG}] Message is invalid",
        "cause": {"_streamingValidation": [{"keyword": "additionalProperties", "message": "extraneous key"}]},
    }
    assert take(b'{"wrong":1}', query="syncValidation=false").answer.status == 200


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


BYTES = st.binary() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["header", "body", "schemaRef", "xdmEntity", "messages", "flowId", "id"]), inner
        )
    ),
    max_leaves=20,
).map(_json)


@given(BYTES, st.booleans(), st.sampled_from(["identity", "gzip", "deflate"]), st.booleans())
def test_any_bytes_end_in_an_answer(body: bytes, batch: bool, encoding: str, zipped: bool) -> None:
    sent = gzip.compress(body, mtime=0) if zipped else body
    collected = take(sent, batch=batch, content_encoding=encoding, x_adobe_flow_id="")
    assert collected.answer.status in (200, 207, 400, 413)
    orjson.loads(collected.answer.body)
    if not batch:
        assert len(collected.records) == (collected.answer.status == 200)


@given(st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.text()), st.none() | st.integers(0, 2**63))
def test_any_head_ends_in_a_value(
    method: str, path: str, query: str, headers: dict[str, str], length: int | None
) -> None:
    for asked in (path, f"/collection/{path}", f"/collection/{OPEN.id}"):
        found = admit(RequestHead(method, asked, query, headers, length), plane(cors=("x",)))
        assert isinstance(found, Admitted | Answer)


@given(st.dictionaries(st.sampled_from(["a", "header2", "person"]), st.integers() | st.text(), max_size=3))
def test_the_short_way_for_raw_messages_comes_to_the_same(message: dict[str, Any]) -> None:
    for inlet in (OPEN, TWO_MAPPINGS, DELETING):
        body = orjson.dumps({**message}, option=0) if all(_fits(value) for value in message.values()) else b"{}"
        short = take(body, inlet)
        flow = inlet.mapped.id if inlet.mapped is not None else ""
        long = take(body, inlet, x_adobe_flow_id=flow)
        assert short == long


def _fits(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**64
