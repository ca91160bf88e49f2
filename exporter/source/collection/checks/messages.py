"""Which form a message has, and what its header says. The body decides, whatever the inlet was made for."""

from __future__ import annotations

from typing import Any

import msgspec

from exporter.source.collection.checks.answers import UNKNOWN_FORMAT, WRONG_ORG
from exporter.source.collection.taken import Form

#: A header with one of these makes a message with nothing but header and body a wrapped one.
_OF_WRAPPED = ("flowId", "datasetId", "imsOrgId", "operations")


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message whose form is known.

    ``record`` is what is mapped: the entity, the raw attributes, or the whole message. ``flow``, ``dataset`` and
    ``schema`` are ids that the message names, empty where it names none.
    """

    form: Form
    record: dict[str, Any]
    flow: str = ""
    dataset: str = ""
    schema: str = ""
    deletes: bool = False

    def __repr__(self) -> str:
        return f"Message({self.form.name})"


def read_message(message: object, org_id: str) -> Message | str:
    """The message, or why it is refused, in a sentence without data. ``org_id`` is the inlet's."""
    if not isinstance(message, dict):
        return "Message is not a JSON object"
    header = message.get("header")
    body = message.get("body")
    if isinstance(header, dict):
        if "schemaRef" in header:
            return _xdm(header, body, org_id)
        if isinstance(body, dict):
            if "xdmEntity" in body:
                return _xdm(header, body, org_id)
            if len(message) == 2 and any(key in header for key in _OF_WRAPPED):
                return _headed(Form.WRAPPED, header, body, "", org_id)
    elif isinstance(body, dict) and "xdmEntity" in body:
        return _xdm({}, body, org_id) if header is None else UNKNOWN_FORMAT
    return Message(Form.RAW, message)


def _xdm(header: dict[str, Any], body: object, org_id: str) -> Message | str:
    if not isinstance(body, dict):
        return UNKNOWN_FORMAT
    entity = body.get("xdmEntity")
    if not isinstance(entity, dict):
        return UNKNOWN_FORMAT
    schema = _schema(header)
    meta = body.get("xdmMeta")
    if meta is not None:
        if not isinstance(meta, dict):
            return UNKNOWN_FORMAT
        of_body = _schema(meta)
        if of_body is None or schema is None:
            return UNKNOWN_FORMAT
        if of_body and schema and of_body != schema:
            return "Message has different schemas in header and body"
        schema = schema or of_body
    if schema is None:
        return UNKNOWN_FORMAT
    return _headed(Form.XDM, header, entity, schema, org_id)


def _headed(form: Form, header: dict[str, Any], record: dict[str, Any], schema: str, org_id: str) -> Message | str:
    org = header.get("imsOrgId")
    if org is not None and org != org_id:
        return WRONG_ORG
    flow = header.get("flowId") or ""
    dataset = header.get("datasetId") or ""
    if not isinstance(flow, str) or not isinstance(dataset, str):
        return "Message has an id that is not a string in the header"
    operations = header.get("operations")
    deletes = isinstance(operations, dict) and operations.get("data") == "delete"
    return Message(form, record, flow, dataset, schema, deletes)


def _schema(part: dict[str, Any]) -> str | None:
    """The id of ``schemaRef``, empty where there is no such key; None where it has no readable id."""
    reference = part.get("schemaRef")
    if reference is None:
        return ""
    found = reference.get("id") if isinstance(reference, dict) else None
    return found if isinstance(found, str) and found else None
