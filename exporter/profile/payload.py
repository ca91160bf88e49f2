"""Builds the JSON document that is sent for a profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from exporter.profile.attributes import MEMBERS, pick
from exporter.profile.event import Change, Malformed
from exporter.profile.faults import unfit
from exporter.profile.identity import compile_identities
from exporter.profile.mapping import Mapping
from exporter.profile.membership import compile_memberships
from exporter.profile.paths import tree


def compile_payload(mapping: Mapping) -> Callable[[Change], bytes | Malformed]:
    """The document for one destination, compiled once (DESIGN 2.3).

    The function returns UTF-8 JSON: attributes in the order of the configuration, then ``segmentMembership``,
    then ``identityMap``, each left out where it is empty; the same bytes for the same change. It returns
    Malformed where one of the last two holds a wrong type.
    """
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
        return orjson.dumps(document)

    return build
