"""The fast path of gate and payload: for nearly every profile, exactly what the plain ones say, done in C.

A type is made for each destination (``document_type``): decoding a profile by the type projects the profile, encoding
gives the document. Profiles and mappings that the type cannot serve are left to the plain gate and builder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from exporter.profile.document.attributes import is_nothing
from exporter.profile.document.document_type import Entry, document_type, numbered
from exporter.profile.document.identity import more_fields
from exporter.profile.document.segment_membership import MEMBER, mapped_segments, sends_all_unchanged
from exporter.profile.event.shapes import ABSENT
from exporter.profile.mapping import Mapping
from exporter.profile.paths import PathTree, tree

#: Finds an empty object, or the like within a string. (For "null" a plain search is quicker.)
_MAYBE_EMPTY = re.compile(rb"\{[ \t\n\r]*\}")


class FastPath:
    """The gate and the document of a destination, by its type (contract.md#triggers, contract.md#the-request).

    Profiles are JSON objects in valid UTF-8. The latest decoded profile is remembered, because ``build`` usually
    follows ``is_member`` with the same profile.
    """

    def __init__(self, mapping: Mapping, document: type[msgspec.Struct]) -> None:
        self._decode = msgspec.json.Decoder(document).decode
        self._encode = msgspec.json.Encoder().encode
        self._prune = _compile_pruning(tree(mapping.attributes))
        self._select = _compile_selection(mapping)
        self._more = tuple(numbered([(name, None) for name in more_fields(mapping)]))
        self._mapped = tuple(mapped_segments(mapping).items())
        self._profile: bytes | None = None
        self._found: Any = None

    def _of(self, profile: bytes) -> Any:
        """The decoded profile; None where the profile cannot be decoded by the type."""
        if profile is not self._profile:
            self._profile = profile
            try:
                self._found = self._decode(profile)
            except msgspec.ValidationError:
                self._found = None
        return self._found

    def is_member(self, profile: bytes) -> bool | None:
        """Whether the profile is in at least one mapped segment; None where only the plain gate can tell."""
        found = self._of(profile)
        if found is None:
            return None
        memberships = found.memberships
        if not memberships:
            return False
        for namespace, mapped in self._mapped:
            entries = memberships.get(namespace)
            if entries:
                for segment_id in mapped:
                    entry = entries.get(segment_id)
                    if entry is not None and entry.status in MEMBER:
                        return True
        return False

    def build(self, profile: bytes) -> bytes | None:
        """Exactly the bytes that the plain builder makes of the profile; None where only the plain builder can tell.

        The plain builder is needed for a path through a value that is no object, and for wrong, null or incomplete
        values in the other two parts.
        """
        found = self._of(profile)
        # The decoded profile is changed from here on.
        self._profile = None
        if found is None:
            return None
        if not found.memberships:
            found.memberships = ABSENT
        elif self._select is not None:
            found.memberships = self._select(found.memberships)
        if not found.identities:
            found.identities = ABSENT
        elif self._more:
            _leave_out_nulls(found.identities, self._more)
        document: bytes = self._encode(found)
        # Hardly any document has a value to leave out: a search of the whole costs a third of looking at each part.
        if b"null" in document or _MAYBE_EMPTY.search(document):
            self._prune(found)
            document = self._encode(found)
        return document


def compile_fast_path(mapping: Mapping) -> FastPath | None:
    """The fast path of a destination; None for a mapping that no type can serve."""
    document = document_type(mapping)
    return None if document is None else FastPath(mapping, document)


def _compile_pruning(attributes: PathTree) -> Callable[[Any], bool]:
    """Compile the function that removes null and what is or becomes an empty object from a decoded object, in place.

    The function returns whether anything is left.
    """
    members = [
        (name, None if below is None else _compile_pruning(below))
        for name, below in zip(numbered(list(attributes.items())), attributes.values(), strict=True)
    ]

    def prune(part: Any) -> bool:
        left = False
        for name, below in members:
            value = getattr(part, name)
            if value is ABSENT:
                continue
            if value is None or (is_nothing(bytes(value)) if below is None else not below(value)):
                setattr(part, name, ABSENT)
            else:
                left = True
        return left

    return prune


def _compile_selection(mapping: Mapping) -> Callable[[Any], Any] | None:
    """Compile the choice of memberships and the fields that switches add; None to send all memberships unchanged."""
    if sends_all_unchanged(mapping):
        return None
    extras = mapped_segments(mapping)
    only_mapped = mapping.segment_membership == "mapped"

    def select(memberships: dict[str, dict[str, Any]]) -> Any:
        selected = {}
        for namespace, entries in memberships.items():
            of_namespace = extras.get(namespace, {})
            if only_mapped:
                entries = {segment_id: entry for segment_id, entry in entries.items() if segment_id in of_namespace}
            for segment_id in entries.keys() & of_namespace.keys():
                if extra := of_namespace[segment_id]:
                    entries[segment_id] = _with(entries[segment_id], extra)
            if entries:
                selected[namespace] = entries
        return selected or ABSENT

    return select


def _with(entry: Entry, extra: dict[str, Any]) -> dict[str, Any]:
    return {"lastQualificationTime": entry.last_qualification_time, "status": entry.status, **extra}


def _leave_out_nulls(identities: dict[str, list[Any]], more: tuple[str, ...]) -> None:
    for of_namespace in identities.values():
        for identity in of_namespace:
            for name in more:
                if bytes(getattr(identity, name)) == b"null":
                    setattr(identity, name, ABSENT)
