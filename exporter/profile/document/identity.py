"""The part ``identityMap`` of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from exporter.profile.mapping import Mapping


class Identity(msgspec.Struct, gc=False):
    """An identity, where the configuration names no field but ``id``."""

    id: str | None = None


_PLAIN: msgspec.json.Decoder[dict[str, list[Identity | None] | None] | None] = msgspec.json.Decoder(
    dict[str, list[Identity | None] | None] | None
)
_FULL: msgspec.json.Decoder[dict[str, list[dict[str, msgspec.Raw] | None] | None] | None] = msgspec.json.Decoder(
    dict[str, list[dict[str, msgspec.Raw] | None] | None] | None
)
_ID: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)


def compile_identities(mapping: Mapping) -> Callable[[msgspec.Raw], dict[str, Any]]:
    """Compile the function from ``identityMap`` as JSON to the part; ``{}`` for nothing (contract.md#the-request).

    ``id`` comes first and is always sent, the other ``identity_fields`` follow in the configured order, unchanged byte
    for byte. The function raises ``msgspec.ValidationError`` for a wrong type.
    """
    more = more_fields(mapping)
    if not more:
        return _ids

    def fields(identity: dict[str, msgspec.Raw]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if "id" in identity and (own := _ID.decode(identity["id"])) is not None:
            out["id"] = own
        for name in more:
            if name in identity and (value := bytes(identity[name])) != b"null":
                out[name] = orjson.Fragment(value)
        return out

    def send(raw: msgspec.Raw) -> dict[str, Any]:
        sent: dict[str, Any] = {}
        for namespace, identities in (_FULL.decode(raw) or {}).items():
            if out := [sent_fields for one in identities or () if one is not None and (sent_fields := fields(one))]:
                sent[namespace] = out
        return sent

    return send


def more_fields(mapping: Mapping) -> tuple[str, ...]:
    """The fields of an identity that are sent after ``id``, in the order of the configuration."""
    return tuple(name for name in dict.fromkeys(mapping.identity_fields) if name != "id")


def _ids(raw: msgspec.Raw) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for namespace, identities in (_PLAIN.decode(raw) or {}).items():
        if identities and (out := [{"id": one.id} for one in identities if one is not None and one.id is not None]):
            sent[namespace] = out
    return sent
