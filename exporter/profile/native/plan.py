"""Writes down what a destination takes, for the native projector: ``plan.h`` reads it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import get_args

import orjson

from exporter.profile.decision import Trigger
from exporter.profile.document.identity import more_fields
from exporter.profile.document.segment_membership import mapped_segments
from exporter.profile.event.shapes import Status
from exporter.profile.mapping import Mapping
from exporter.profile.paths import PathTree, tree
from exporter.profile.triggers import FIRES, UNKNOWN

#: The roots of the tree of keys, by number; the first node has the next one.
_ATTRIBUTES, _IDENTITY_FIELDS, _SEGMENTS, _ROOTS = range(4)
_STATUSES: tuple[Status, ...] = get_args(Status)
_LARGEST = 2**32 - 1

#: The number of a node's parent, the key, and what is written for it.
_Node = tuple[int, bytes, bytes]


def plan_of(mapping: Mapping, max_bytes: int) -> bytes | None:
    """The plan of a destination; None for keys that no event in UTF-8 can have.

    Args:
        max_bytes: ``max_event_bytes``; larger events are left to Python.
    """
    try:
        nodes = list(_nodes(mapping))
        destination = mapping.destination.encode()
    except (UnicodeEncodeError, orjson.JSONEncodeError):
        return None
    switches = 0
    switches |= sum(1 << bit for bit, trigger in enumerate(get_args(Trigger)) if trigger in mapping.triggers)
    switches |= mapping.require_membership << 4 | (mapping.segment_membership == "mapped") << 5
    fires = bytes((before, to) in FIRES for before in (UNKNOWN, None, *_STATUSES) for to in _STATUSES)
    return b"".join(
        (
            bytes((switches,)),
            fires,
            _number(min(max_bytes, _LARGEST)),
            _text(destination),
            _number(len(nodes)),
            *(_number(parent) + _text(key) + _text(written) for parent, key, written in nodes),
        )
    )


def _nodes(mapping: Mapping) -> Iterator[_Node]:
    """All nodes, a parent before its children; a node's number is ``_ROOTS`` and how many stand before it."""
    number = _ROOTS
    steps: list[tuple[int, PathTree]] = [(_ATTRIBUTES, tree(mapping.attributes))]
    for parent, children in steps:
        for step, below in children.items():
            yield parent, step.encode(), _key(step)
            if below is not None:
                steps.append((number, below))
            number += 1
    for name in more_fields(mapping):
        yield _IDENTITY_FIELDS, name.encode(), _key(name)
        number += 1
    for namespace, ids in mapped_segments(mapping).items():
        yield _SEGMENTS, namespace.encode(), b""
        parent = number
        number += 1
        for segment_id, added in ids.items():
            yield parent, segment_id.encode(), orjson.dumps(added)[1:-1]
            number += 1


def _key(name: str) -> bytes:
    return orjson.dumps(name) + b":"


def _text(text: bytes) -> bytes:
    return _number(len(text)) + text


def _number(number: int) -> bytes:
    return struct.pack("<I", number)
