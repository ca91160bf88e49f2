"""The rows of the table for Data Prep, each below two paths: clients know the long path, tutorials the short one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypedDict

from exporter.source.control.data_prep import shapes
from exporter.source.control.data_prep.pages import QUERY
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.data_prep.stored import CHANGE_QUERY, EXPANDED_QUERY, ONE_QUERY, PATH, MappingSets
from exporter.source.control.routes import Reads, Route
from exporter.source.control.shapes import Shape

#: Where Data Prep is, and what the names of operations there end in.
_PATHS: Final = (("/data/foundation/conversion", ""), ("/data/foundation", "Short"))


_ONE: Final = f"{PATH}/{{id}}"
_MAPPINGS: Final = f"{_ONE}/mappings"
_MAPPING: Final = f"{_MAPPINGS}/{{mapping}}"


class _Sent(TypedDict):
    """What routes that change something have in common."""

    reads: Reads
    body: Shape
    query: Mapping[str, str]


def routes_of(mapping_sets: MappingSets) -> Iterator[Route]:
    """The rows of the table."""
    yield from _twice(_unkept(mapping_sets.data_prep))
    yield from _twice(_sets(mapping_sets))
    yield from _twice(_mappings(mapping_sets))


def routes_without_sets(data_prep: DataPrep) -> Iterator[Route]:
    """The rows that need nothing kept."""
    yield from _twice(_unkept(data_prep))


def _twice(rows: Iterable[Route]) -> Iterator[Route]:
    for row in rows:
        for path, ending in _PATHS:
            yield replace(row, path=path + row.path, name=row.name + ending)


def _unkept(data_prep: DataPrep) -> Iterator[Route]:
    yield Route(
        "POST",
        "/mappingSets/validate",
        "validateMappingSet",
        "Say what is wrong with each mapping of a mapping set, which is not kept.",
        data_prep.validate,
        Reads.JSON,
        shapes.JUDGED,
        {200: shapes.VALIDATED},
    )
    yield Route(
        "POST",
        "/mappingSets/preview",
        "previewMappingSet",
        "Map data by a mapping set; nothing is kept.",
        data_prep.preview,
        Reads.JSON,
        shapes.PREVIEW,
        {200: shapes.PREVIEWED},
    )
    yield Route(
        "GET",
        "/languages/el/functions",
        "listMappingSetFunctions",
        "List the functions that expressions may call.",
        data_prep.functions,
        answers={200: shapes.FUNCTIONS},
    )
    yield Route(
        "GET",
        "/languages/el/operators",
        "listMappingSetOperators",
        "List the operators of expressions.",
        data_prep.operators,
        answers={200: shapes.OPERATORS},
    )
    yield Route(
        "POST",
        "/languages/el/validate",
        "validateExpression",
        "Say whether a text is an expression.",
        data_prep.validate_expression,
        Reads.JSON,
        shapes.EXPRESSION,
        {200: {"type": "boolean"}},
    )


def _sets(sets: MappingSets) -> Iterator[Route]:
    listed, one, made = {200: shapes.PAGE}, {200: shapes.SHOWN_SET}, {200: shapes.MADE}
    yield Route("GET", PATH, "listMappingSets", "List mapping sets.", sets.list, answers=listed, query=QUERY)
    sent: _Sent = {"reads": Reads.JSON, "body": shapes.MAPPING_SET, "query": CHANGE_QUERY}
    yield Route("POST", PATH, "createMappingSet", "Make a mapping set.", sets.create, answers=made, **sent)
    yield Route("GET", _ONE, "getMappingSet", "Read a mapping set.", sets.get, answers=one, query=EXPANDED_QUERY)
    summary = "Put another mapping set in its place, as its next version."
    yield Route("PUT", _ONE, "replaceMappingSet", summary, sets.replace, answers=one, **sent)
    yield Route("DELETE", _ONE, "deleteMappingSet", "Forget a mapping set.", sets.delete, answers={204: None})


def _mappings(sets: MappingSets) -> Iterator[Route]:
    listed, one = {200: shapes.MAPPINGS}, {200: shapes.SHOWN_MAPPING}
    summary = "List the mappings of a mapping set."
    yield Route("GET", _MAPPINGS, "listMappings", summary, sets.mappings, answers=listed, query=ONE_QUERY)
    sent: _Sent = {"reads": Reads.JSON, "body": shapes.MAPPING, "query": CHANGE_QUERY}
    summary = "Make a version of a mapping set with one more mapping."
    yield Route("POST", _MAPPINGS, "createMapping", summary, sets.add_mapping, answers=one, **sent)
    yield Route("GET", _MAPPING, "getMapping", "Read a mapping.", sets.mapping, answers=one, query=ONE_QUERY)
    summary = "Make a version of a mapping set with another mapping in a mapping's place."
    yield Route("PUT", _MAPPING, "replaceMapping", summary, sets.replace_mapping, answers=one, **sent)
    summary = "Make a version of a mapping set without a mapping."
    yield Route("DELETE", _MAPPING, "deleteMapping", summary, sets.delete_mapping, answers={204: None})
