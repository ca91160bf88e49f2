"""Builds the JSON document that is sent for a profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from exporter.profile.document.attributes import MEMBERS, pick
from exporter.profile.document.fast_path import FastPath, compile_fast_path
from exporter.profile.document.identity import compile_identities
from exporter.profile.document.segment_membership import compile_memberships
from exporter.profile.document.wrong_types import unfit
from exporter.profile.event.change import Change
from exporter.profile.event.lone_surrogates import half_in
from exporter.profile.malformed import Malformed
from exporter.profile.mapping import Mapping
from exporter.profile.paths import tree


def compile_payload(mapping: Mapping, fast_path: FastPath | None = None) -> Callable[[Change], bytes | Malformed]:
    """Compile the function from a change to the document; ``fast_path`` is of the same mapping, if already compiled.

    The function returns UTF-8 JSON: attributes in the order of the configuration, then ``segmentMembership``,
    then ``identityMap``, each left out where empty; the same bytes for the same change. The function returns
    ``Malformed`` where one of the last two holds a wrong type, and where half a surrogate pair would be sent.
    """
    plain = compile_plain(mapping)
    fast_path = fast_path or compile_fast_path(mapping)
    if fast_path is None:
        return plain
    build_fast = fast_path.build
    attributes = tree(mapping.attributes)

    def build(change: Change) -> bytes | Malformed:
        document = build_fast(change.profile)
        if document is None:
            return plain(change)
        if change.stand_in is not None and (half := half_in(document, change, attributes)):
            return half
        return document

    return build


def compile_plain(mapping: Mapping) -> Callable[[Change], bytes | Malformed]:
    """``compile_payload`` step by step: the definition, which serves every mapping and profile."""
    attributes = tree(mapping.attributes)
    memberships = compile_memberships(mapping)
    identities = compile_identities(mapping)

    def build(change: Change) -> bytes | Malformed:
        profile = MEMBERS.decode(change.profile)
        document: dict[str, Any] = pick(attributes, profile)
        try:
            if (raw := profile.get("segmentMembership")) is not None and (part := memberships(raw)):
                document["segmentMembership"] = part
            if (raw := profile.get("identityMap")) is not None and (part := identities(raw)):
                document["identityMap"] = part
        except msgspec.ValidationError:
            return unfit(change)
        sent = orjson.dumps(document)
        return (half_in(sent, change, attributes) if change.stand_in is not None else None) or sent

    return build
