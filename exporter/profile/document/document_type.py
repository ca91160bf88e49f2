"""The type of a destination's document: decoding a profile by the type projects the profile (contract.md#the-request).

Not in ``fast_path.py``, because mypyc compiles neither ``msgspec.Struct`` nor types that are put together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec

from exporter.profile.document.identity import more_fields
from exporter.profile.event.shapes import ABSENT
from exporter.profile.mapping import Mapping
from exporter.profile.paths import PathTree, tree

#: A type looks for each key of a profile among all fields: with more fields, dictionaries are quicker
#: (measured: even at 32 fields and 300 keys, 0.7 of the time at 64 and none).
MAX_FIELDS = 32

#: The names that a type can have for a field: msgspec refuses names that JSON escapes, UTF-8 a lone surrogate.
_NAME = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*')


class Entry(msgspec.Struct, rename="camel", gc=False):
    """A complete membership; incomplete memberships are left to the plain builder."""

    last_qualification_time: str
    status: str


class Identity(msgspec.Struct, gc=False):
    """An identity that has an id; ``identity_fields`` adds more fields."""

    id: str


_NotEmpty = msgspec.Meta(min_length=1)
_Entries: TypeAlias = Annotated[dict[str, Entry], _NotEmpty]
_Memberships: TypeAlias = dict[str, _Entries]

#: A field: the key in JSON, and the type. All default to ABSENT, which is left out when encoding.
Field: TypeAlias = tuple[str, Any]


def document_type(mapping: Mapping) -> type[msgspec.Struct] | None:
    """The type of a destination's document; None for a mapping that no type can serve.

    Fields of attributes are named by ``numbered``; the fields ``memberships`` and ``identities`` come last.
    """
    attributes = tree(mapping.attributes)
    identity = _struct(numbered([(name, msgspec.Raw) for name in more_fields(mapping)]), Identity)
    if identity is None or not attributes.keys().isdisjoint(("segmentMembership", "identityMap")):
        return None
    parts: dict[str, Field] = {
        "memberships": ("segmentMembership", _Memberships | None),
        "identities": ("identityMap", dict[str, Annotated[list[identity], _NotEmpty]] | None),  # type: ignore[valid-type]
    }
    return _nested(attributes, parts)


def _nested(attributes: PathTree, parts: dict[str, Field]) -> type[msgspec.Struct] | None:
    """A type for each object on a mapped path, the outermost with ``parts``; None where a type is not possible."""
    fields: list[Field] = []
    for step, below in attributes.items():
        kind = msgspec.Raw if below is None else _nested(below, {})
        if kind is None:
            return None
        fields.append((step, kind if below is None else kind | None))
    return _struct(numbered(fields) | parts)


def numbered(fields: Sequence[Field]) -> dict[str, Field]:
    """Fields by numbered names, since the keys may be no Python names."""
    return {f"f{number}": field for number, field in enumerate(fields)}


def _struct(fields: dict[str, Field], base: type[msgspec.Struct] = msgspec.Struct) -> type[msgspec.Struct] | None:
    if len(fields) > MAX_FIELDS or not all(_NAME.fullmatch(key) for key, _ in fields.values()):
        return None
    return msgspec.defstruct(
        "Fields",
        [(name, kind, ABSENT) for name, (_, kind) in fields.items()],
        bases=(base,),
        rename={name: key for name, (key, _) in fields.items()},
        omit_defaults=True,
        gc=False,
    )
