"""Recognises messages that are no JSON text at all by the first bytes: a registry's frame, compressed data."""

from __future__ import annotations

import re

from exporter.profile.malformed import Malformed

#: A zero, and the id of a schema.
REGISTRY_FRAME_BYTES = 5

_KINDS = (
    (
        re.compile(rb"\0.{4}[ \t\r\n]*[{\[]", re.DOTALL),
        r"begins with a schema registry's frame (\0 and a schema id of four bytes) before its JSON: "
        "it must be written without a schema, as plain JSON",
    ),
    (
        re.compile(rb"\0.{4}", re.DOTALL),
        r"begins with a schema registry's frame (\0 and a schema id of four bytes), as Avro and Protobuf have it: "
        "it must be written as plain JSON",
    ),
    (
        re.compile(rb"\x03[\0\x05].{16}", re.DOTALL),
        "begins with the frame of the AWS Glue schema registry: it must be written as plain JSON",
    ),
    (re.compile(rb"\xac\xed\0\x05"), "is a serialized Java object: it must be written as plain JSON"),
    (re.compile(rb"\x1f\x8b"), "is compressed with gzip: it must be written as plain JSON"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "is compressed with zstd: it must be written as plain JSON"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "is UTF-16 text: it must be written as UTF-8"),
)


def foreign(body: bytes) -> Malformed | None:
    """What a refused message is instead of JSON; None for a message that may have been meant as JSON in UTF-8."""
    for beginning, reason in _KINDS:
        if beginning.match(body):
            return Malformed("byte 0", reason)
    return None
