"""``GET /openapi.json``: the table's last row, which describes all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.openapi.document import document_of
from exporter.source.control.request import Request
from exporter.source.control.routes import Route
from exporter.source.control.shapes import FREE, TEXT, fields

PATH: Final = "/openapi.json"
_SHAPE: Final = fields({"openapi": TEXT, "info": FREE, "paths": FREE, "components": FREE})


def described(rows: Iterable[Route], version: str) -> tuple[Route, ...]:
    """The rows, and the one that answers with the document of them and of itself; ``version`` is the exporter's."""

    async def reply(_: Request) -> Answer:
        return answer

    summary = "Describe the control plane, as OpenAPI 3.1."
    whole = (*rows, Route("GET", PATH, "getOpenApi", summary, reply, answers={200: _SHAPE}))
    answer = found(document_of(whole, version))
    return whole
