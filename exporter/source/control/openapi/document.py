"""The OpenAPI document of a table of routes: from the table alone, so that nobody keeps it up by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from exporter.source.control.openapi.components import Components
from exporter.source.control.openapi.services import SERVICES, service_of
from exporter.source.control.routes import REPEATABLE, Reads, Route
from exporter.source.control.shapes import ERROR, PROBLEM, REFUSAL, TEXT, TOKEN_ERROR, WHOLE, Shape, array

_JSON: Final = "application/json"
_ABOUT: Final = (
    "The control plane of `exporter serve`. Records are not sent here: an object's `inletUrl` says where they go."
)
#: What a request may send; a body of JSON Patch may say so.
_BODIES: Final[Mapping[Reads, tuple[str, ...]]] = {
    Reads.NOTHING: (),
    Reads.JSON: (_JSON,),
    Reads.FORM: (Reads.FORM.value, "multipart/form-data"),
}
#: What is no text in a query, by name.
_IN_QUERY: Final[Mapping[str, Shape]] = {"limit": WHOLE, **dict.fromkeys(REPEATABLE, array(TEXT))}
_SANDBOX: Final = "sandbox"
_PARAMETERS: Final[Mapping[str, Any]] = {
    _SANDBOX: {
        "name": "x-sandbox-name",
        "in": "header",
        "description": "One of `serve.sandboxes`; the first of them if nothing is said.",
        "schema": TEXT,
    }
}
#: Asked for where ``serve.api.auth`` is ``tokens``: all three.
_SECURITY: Final[Mapping[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "organisation": {"type": "apiKey", "in": "header", "name": "x-gw-ims-org-id"},
}
_REFUSED: Final = "The request is refused, or cannot be understood."
_UNABLE: Final = "The request cannot be answered now."


def document_of(rows: Sequence[Route], version: str) -> dict[str, Any]:
    """The document.

    Args:
        rows: the whole table.
        version: the exporter's.

    Raises:
        ValueError: two shapes have one name, or no service has a row's path.
    """
    components = Components()
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, components)
    refusals = _refusals(components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "exporter serve", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": each.name, "description": each.description} for each in SERVICES],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "responses": refusals,
            "parameters": _PARAMETERS,
            "securitySchemes": _SECURITY,
        },
    }


def _operation(row: Route, components: Components) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [service_of(row.path).name],
        "parameters": list(_parameters(row)),
        "responses": {
            **{str(status): _answer(row, status, components) for status in row.answers},
            "4XX": {"$ref": f"#/components/responses/{'Refused' if row.guarded else 'NoToken'}"},
            "5XX": {"$ref": "#/components/responses/Unable"},
        },
        # The empty one: nothing is asked for where serve.api.auth is none.
        "security": [{name: [] for name in _SECURITY}, {}] if row.guarded else [],
    }
    if types := _BODIES[row.reads]:
        shape = {"schema": components.place(row.body or {})}
        # The fields of a form may stand in the query, too, and the body of a change may say that it is JSON Patch.
        patches = ("application/json-patch+json",) if row.method == "PATCH" else ()
        body = {"required": row.reads is Reads.JSON, "content": dict.fromkeys((*types, *patches), shape)}
        operation["requestBody"] = body
    return operation


def _parameters(row: Route) -> Iterator[dict[str, Any]]:
    for name in row.variables:
        yield {"name": name, "in": "path", "required": True, "schema": TEXT}
    for name, words in row.query.items():
        yield {"name": name, "in": "query", "description": words, "schema": _IN_QUERY.get(name, TEXT)}
    for name, words in row.headers.items():
        yield {"name": name, "in": "header", "description": words, "schema": TEXT}
    if row.guarded:
        yield {"$ref": f"#/components/parameters/{_SANDBOX}"}


def _answer(row: Route, status: int, components: Components) -> dict[str, Any]:
    shape, described = row.answers[status], {"description": HTTPStatus(status).phrase}
    if shape is None:
        return described
    others = {media: {"schema": TEXT} for media in row.other_types}
    return {**described, "content": {_JSON: {"schema": components.place(shape)}, **others}}


def _refusals(components: Components) -> dict[str, Any]:
    """The answers to what is not done; those of where tokens come from are other ones, since clients know them so."""
    errors = [components.place(each) for each in (ERROR, REFUSAL, PROBLEM)]
    refused, unable = {"anyOf": errors}, components.place(ERROR)
    no_token = {"anyOf": [components.place(TOKEN_ERROR), *errors]}
    return {
        name: {"description": words, "content": {_JSON: {"schema": shape}}}
        for name, words, shape in (
            ("Refused", _REFUSED, refused),
            ("NoToken", _REFUSED, no_token),
            ("Unable", _UNABLE, unable),
        )
    }
