"""The rows of the table for Data Prep, each below two paths: clients know the long path, tutorials the short one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from exporter.source.control.data_prep import shapes
from exporter.source.control.data_prep.replies import DataPrep
from exporter.source.control.routes import Reads, Route

#: Where Data Prep is, and what the names of operations there end in.
_PATHS: Final = (("/data/foundation/conversion", ""), ("/data/foundation", "Short"))


def routes_of(data_prep: DataPrep) -> Iterator[Route]:
    """The rows of the table."""
    for row in _rows(data_prep):
        for path, ending in _PATHS:
            yield replace(row, path=path + row.path, name=row.name + ending)


def _rows(data_prep: DataPrep) -> Iterator[Route]:
    yield Route(
        "POST",
        "/mappingSets/validate",
        "validateMappingSet",
        "Say what is wrong with each mapping of a mapping set, which is not kept.",
        data_prep.validate,
        Reads.JSON,
        shapes.MAPPING_SET,
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
