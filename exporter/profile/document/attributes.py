"""Picks the mapped attributes out of a profile, and leaves every value unchanged, byte for byte."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
import orjson

from exporter.profile.paths import PathTree

#: A JSON object whose values are not looked into.
Members: TypeAlias = dict[str, msgspec.Raw]

MEMBERS: msgspec.json.Decoder[Members] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def pick(mapped: PathTree, members: Members) -> dict[str, Any]:
    """The part of ``members`` that the tree ``mapped`` names, nested, in the tree's order (contract.md#the-request).

    Left out are a leaf that is null or an empty object, a path through a value that is no object, and objects that end
    up empty.
    """
    picked: dict[str, Any] = {}
    for step, below in mapped.items():
        raw = members.get(step)
        if raw is None:
            continue
        if below is None:
            value = bytes(raw)
            if not is_nothing(value):
                picked[step] = orjson.Fragment(value)
            continue
        try:
            inner = MEMBERS.decode(raw)
        except msgspec.ValidationError:
            continue
        if inner and (part := pick(below, inner)):
            picked[step] = part
    return picked


def is_nothing(value: bytes) -> bool:
    """Whether a JSON value is null or an empty object, which are not sent as an attribute (contract.md#the-request)."""
    return value == b"null" or (value[0] == 0x7B and value[1:].lstrip() == b"}")
