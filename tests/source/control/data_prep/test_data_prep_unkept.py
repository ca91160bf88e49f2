"""Data Prep's endpoints that keep nothing: languages, validation and preview, as clients ask and as anybody may."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import orjson
import pytest
from data_prep_plane import LONG, OUTPUT_SCHEMA, SCHEMA_ID, SHORT, WORKSHOP, asked, plane_of
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.source.control.data_prep.examining import MOST_SECONDS
from exporter.source.control.data_prep.previewing import MOST_RECORDS
from exporter.source.control.data_prep.reading import MOST_MAPPINGS
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.dataprep.listing import list_functions, list_operators

ERROR = {"errorCode", "errorMessage", "errorDetails", "status"}
FAULT = {"destination", "source", "sourceType", "exception", "columnName"}


def mapping(source: str, destination: str, source_type: str = "ATTRIBUTE") -> dict[str, Any]:
    return {"sourceType": source_type, "source": source, "destination": destination}


def fault(source: str | None, destination: str | None, exception: str, source_type: str = "ATTRIBUTE") -> Any:
    column = source if source_type == "ATTRIBUTE" else None
    return {
        "destination": destination,
        "source": source,
        "sourceType": source_type,
        "exception": exception,
        "columnName": column,
    }


@pytest.mark.parametrize("base", [LONG, SHORT])
async def test_the_language_is_told(base: str) -> None:
    assert await asked("GET", f"{base}/languages/el/functions") == (200, list_functions())
    assert await asked("GET", f"{base}/languages/el/operators/") == (200, list_operators())


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"expression": "upper(a)", "mappingSetId": "745c6d13a4804149a33a0fd3b0fbc9e4"}, True),
        ({"expression": {"expression": 'concat("Hi", ",", "there", "!")'}}, True),
        ({"expression": "uper(a)"}, False),
        ({"expression": "upper(a, b)"}, False),
        ({"expression": "1 +"}, False),
        ({"expression": "a" * 5000}, False),
        ({"expression": ""}, False),
    ],
)
async def test_an_expression_is_one_or_is_none(body: Any, answer: bool) -> None:
    assert await asked("POST", f"{LONG}/languages/el/validate", body) == (200, answer)


@pytest.mark.parametrize("body", [None, b"", b"no json", [], {}, {"expression": 1}, {"expression": {}}, "upper(a)"])
async def test_what_names_no_expression_is_refused(body: Any) -> None:
    status, answer = await asked("POST", f"{LONG}/languages/el/validate", body)
    assert (status, set(answer), answer["errorCode"]) == (400, ERROR, "1400-400")


LEGACY = {"destinationXdmPath": "person.name.firstName", "sourceAttribute": "firstName", "identity": False}


@pytest.mark.parametrize(
    ("mapping_set", "faults"),
    [
        pytest.param({"outputSchema": OUTPUT_SCHEMA, "mappings": [mapping("a", "b")]}, [None], id="as newman asks"),
        pytest.param({"xdmSchema": SCHEMA_ID, "xdmVersion": "1.0", "mappings": [LEGACY]}, [None], id="legacy"),
        pytest.param({"mappings": [mapping("a", "any.where")]}, [None], id="without a schema"),
        pytest.param({"mappings": {"b": "a", "c": "uper(a)"}}, [None, "uper"], id="the short form"),
        pytest.param({"mappings": []}, [], id="nothing to map"),
        pytest.param({}, [], id="empty"),
        pytest.param(
            {"outputSchema": OUTPUT_SCHEMA, "mappings": [mapping("a", "nowhere"), mapping("a", "b")]},
            [
                [fault("a", "nowhere", "the destination does not fit the schema: the schema has no 'nowhere' there")],
                None,
            ],
            id="beside the schema",
        ),
        pytest.param(
            {"outputSchema": OUTPUT_SCHEMA, "mappings": [mapping("x", "age", "STATIC")]}, ["fit"], id="a constant"
        ),
        pytest.param(
            {"mappings": [mapping("1 +", "b", "EXPRESSION")]},
            [[fault("1 +", "b", "the expression ends too early", "EXPRESSION")]],
            id="an expression",
        ),
        pytest.param(
            {"mappings": [{"sourceType": "MAGIC", "source": 1}, 7, None]},
            [
                [
                    {**fault(None, None, "sourceType: is ATTRIBUTE, STATIC or EXPRESSION", "MAGIC")},
                    {**fault(None, None, "source: is text", "MAGIC")},
                    {**fault(None, None, "destination: is missing", "MAGIC")},
                ],
                "an object",
                "an object",
            ],
            id="no mappings",
        ),
    ],
)
@pytest.mark.parametrize("base", [LONG, SHORT])
async def test_each_mapping_is_validated(base: str, mapping_set: Any, faults: list[Any]) -> None:
    status, answer = await asked("POST", f"{base}/mappingSets/validate", mapping_set)
    assert (status, set(answer)) == (200, {"validationResponse"})
    found = answer["validationResponse"]
    assert [each["status"] for each in found] == ["FAILED" if fault else "SUCCESS" for fault in faults]
    for element, expected in zip(found, faults, strict=True):
        if isinstance(expected, str):
            [only] = element["errors"]
            assert expected in only["exception"]
        else:
            assert element["errors"] == expected


@pytest.mark.parametrize(
    "mapping_set",
    [
        None,
        b"{",
        [],
        "text",
        {"mappings": "a"},
        {"version": -1},
        {"outputSchema": {"schemaRef": {"id": 1}}},
        {"outputSchema": {"schemaRef": {"id": "https://ns.example.com/lost"}}, "mappings": [mapping("a", "b")]},
        {"mappings": [0] * (MOST_MAPPINGS + 1)},
    ],
)
async def test_what_is_no_mapping_set_is_refused(mapping_set: Any) -> None:
    for path, body in (
        ("validate", mapping_set),
        ("preview", mapping_set if isinstance(mapping_set, bytes) else {"data": {}, "mappingSet": mapping_set}),
    ):
        status, answer = await asked("POST", f"{LONG}/mappingSets/{path}", body)
        assert (status, set(answer), answer["status"]) == (400, ERROR, 400)


NAMES = {
    "outputSchema": OUTPUT_SCHEMA,
    "mappings": [mapping("id", "_id"), mapping("firstName", "person.name.firstName")],
}
JIM = {"id": 1234, "firstName": "Jim", "lastName": "Seltzer"}
MAPPED_JIM = {"_id": "1234", "person": {"name": {"firstName": "Jim"}}}
AGES = {"outputSchema": OUTPUT_SCHEMA, "mappings": [mapping("n", "age"), mapping("id", "_id"), mapping("a", "lost")]}
LOST = fault("a", "lost", "the destination does not fit the schema: the schema has no 'lost' there")
OLD = fault("n", "age", "text can't become a number")


@pytest.mark.parametrize(
    ("mapping_set", "data", "answer"),
    [
        pytest.param(NAMES, JIM, {"data": MAPPED_JIM, "errors": []}, id="an object"),
        pytest.param(
            NAMES,
            [JIM, {}],
            [{"data": MAPPED_JIM, "errors": None}, {"data": {}, "errors": None}],
            id="an array",
        ),
        pytest.param(NAMES, [], [], id="nothing"),
        pytest.param(
            AGES,
            [{"n": "old", "id": "x"}, {"n": "7"}],
            [{"data": {"_id": "x"}, "errors": [LOST, OLD]}, {"data": {"age": 7}, "errors": [LOST]}],
            id="with errors",
        ),
    ],
)
@pytest.mark.parametrize("base", [LONG, SHORT])
async def test_the_preview_has_the_shape_of_the_data(base: str, mapping_set: Any, data: Any, answer: Any) -> None:
    assert await asked("POST", f"{base}/mappingSets/preview", {"data": data, "mappingSet": mapping_set}) == (
        200,
        answer,
    )


NO_DATA: tuple[Any, ...] = (1, None, "a", [1], [[{}]])


@pytest.mark.parametrize(
    "body", [None, {}, [], {"data": {}}, *({"data": data, "mappingSet": NAMES} for data in NO_DATA)]
)
async def test_what_cannot_be_previewed_is_refused(body: Any) -> None:
    status, answer = await asked("POST", f"{LONG}/mappingSets/preview", body)
    assert (status, set(answer)) == (400, ERROR)


async def test_only_so_many_records_are_previewed() -> None:
    for count, status in ((MOST_RECORDS, 200), (MOST_RECORDS + 1, 400)):
        body = {"data": [{}] * count, "mappingSet": NAMES}
        assert (await asked("POST", f"{LONG}/mappingSets/preview", body))[0] == status


async def test_what_data_comes_to_is_bounded() -> None:
    wide = {"mappings": [mapping("lpad('', 15000, 'x')", "a", "EXPRESSION")]}
    for count, status in ((1, 200), (2, 413)):
        status_found, answer = await asked(
            "POST", f"{LONG}/mappingSets/preview", {"data": [{}] * count, "mappingSet": wide}
        )
        assert status_found == status
    assert set(answer) == ERROR


async def test_a_result_that_is_nested_too_deeply_is_an_error_of_its_record() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    body = {"data": {"a": deep}, "mappingSet": {"mappings": [mapping("a", ".".join("x" * 198))]}}
    status, answer = await asked("POST", f"{LONG}/mappingSets/preview", body)
    assert (status, answer["data"]) == (200, {})
    assert "deeply" in answer["errors"][0]["exception"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("validate", {"mappings": [mapping("a", "b")] * 100}),
        ("preview", {"data": [{}] * 100, "mappingSet": {"mappings": []}}),
    ],
)
async def test_work_ends_in_its_time(path: str, body: Any) -> None:
    async def answered(seconds: float) -> tuple[int, Any, int]:
        """Status, body, and how often there was a rest, where each costs ``seconds`` of work."""
        rests = [0]

        def rest() -> None:
            rests[0] += 1

        workshop = replace(WORKSHOP, spent=lambda: rests[0] * seconds, rest=rest)
        return *(await asked("POST", f"{LONG}/mappingSets/{path}", body, workshop)), rests[0]

    status, _, rests = await answered(MOST_SECONDS / 100)
    assert (status, rests) == (200, 100)
    status, answer, rests = await answered(MOST_SECONDS / 9.5)
    assert (status, set(answer), rests) == (413, ERROR, 10)


async def test_one_works_at_a_time_and_only_so_many_wait() -> None:
    at_once, most, go = [0], [0], threading.Event()

    def schema_of(_: str) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go.wait(30)
        at_once[0] -= 1

    plane = plane_of(DataPrep(replace(WORKSHOP, schema_of=schema_of)))
    body = {"xdmSchema": "lost"}
    asking = [asyncio.create_task(asked("POST", f"{LONG}/mappingSets/validate", body, plane=plane)) for _ in range(12)]
    busy, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result()[0] for task in busy} == {503}
    go.set()
    statuses = sorted(task.result()[0] for task in (await asyncio.wait(asking))[0])
    assert statuses == [400] * 9 + [503] * 3
    assert most == [1]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8).filter(lambda text: text.isprintable()),
    st.sampled_from(["a", "b", "_id", "age", "tags[*]", "x[9999999]", "1 +", "'\\ud800'", "a =~ '('", "upper(a)", ""]),
)
JSON = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(st.text(max_size=4), below, max_size=4)),
    max_leaves=12,
)
MAPPINGS = st.one_of(
    JSON,
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "source": SCALARS,
                "sourceAttribute": SCALARS,
                "destination": SCALARS,
                "destinationXdmPath": SCALARS,
                "sourceType": st.one_of(SCALARS, st.sampled_from(["ATTRIBUTE", "STATIC", "EXPRESSION"])),
            },
        ),
        max_size=5,
    ),
    st.dictionaries(st.sampled_from(["a.b", "_id", "age", "x"]), SCALARS, max_size=4),
)
SETS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"mappings": MAPPINGS},
        optional={
            "outputSchema": st.one_of(JSON, st.just(OUTPUT_SCHEMA)),
            "allowNullValues": SCALARS,
            "version": SCALARS,
            "xdmSchema": st.one_of(SCALARS, st.just(SCHEMA_ID)),
        },
    ),
)


@given(SETS, JSON, st.one_of(JSON, st.lists(st.dictionaries(st.sampled_from("ab"), JSON, max_size=2), max_size=3)))
@settings(max_examples=300)
async def test_any_body_is_answered_in_the_shapes_that_clients_know(mapping_set: Any, any_body: Any, data: Any) -> None:
    plane = plane_of(DataPrep(WORKSHOP))
    bodies = (
        ("mappingSets/validate", mapping_set),
        ("mappingSets/preview", {"data": data, "mappingSet": mapping_set}),
        ("languages/el/validate", {"expression": mapping_set}),
        *((path, any_body) for path in ("mappingSets/validate", "mappingSets/preview", "languages/el/validate")),
    )
    for path, body in bodies:
        status, answer = await asked("POST", f"{LONG}/{path}", body, plane=plane)
        if status != 200:
            assert (status in (400, 413), set(answer)) == (True, ERROR)
        elif path == "languages/el/validate":
            assert isinstance(answer, bool)
        elif path == "mappingSets/validate":
            for each in answer["validationResponse"]:
                assert (each["status"] == "FAILED") == bool(each["errors"])
                assert all(set(error) == FAULT and error["exception"] for error in each["errors"] or ())
        else:
            assert isinstance(answer, list) == isinstance(body["data"], list)
            for each in answer if isinstance(answer, list) else [answer]:
                assert set(each) == {"data", "errors"}
                assert all(set(error) == FAULT for error in each["errors"] or ())
                orjson.dumps(each)
