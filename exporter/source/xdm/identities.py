"""The identities of a record, and which of them is primary."""

from __future__ import annotations

from typing import Any, Literal

from exporter.source.records import Identity
from exporter.source.xdm.identified import (
    Identified,
    IdentityRules,
    IdentityWarning,
    NoId,
    SeveralPrimaries,
    Unidentified,
    UnknownNamespace,
)
from exporter.source.xdm.identity_paths import values_at
from exporter.source.xdm.schema import IdentityField, Schema
from exporter.source.xdm.validation.json_values import cut
from exporter.source.xdm.validation.pointers import below
from exporter.source.xdm.validation.violation import Violation

_NO_RULES = IdentityRules()


class _Found:
    """The identities of one record, as far as they are found."""

    def __init__(self, lowercase_ids: frozenset[str]) -> None:
        #: By namespace and id, in order: the first state that is told.
        self.states: dict[tuple[str, str], str | None] = {}
        #: Those that are called primary, in order.
        self.primaries: dict[tuple[str, str], None] = {}
        self.warnings: list[IdentityWarning] = []
        self.problem: Violation | None = None
        self._lowercase_ids = lowercase_ids

    def add(self, namespace: str, id: str, state: str | None, primary: bool) -> None:  # noqa: A002
        """Adds what one place of the record says."""
        key = namespace, id.lower() if namespace in self._lowercase_ids else id
        if self.states.setdefault(key, state) is None:
            self.states[key] = state
        if primary:
            self.primaries[key] = None


def identities_of(
    schema: Schema, entity: Any, meta_identity_map: Any = None, rules: IdentityRules | None = None
) -> Identified | Unidentified:
    """The identities of an entity, whether or not the entity was found valid. Never raises.

    They stand where the schema's descriptors say, then in its ``identityMap``, then in ``meta_identity_map`` (that of
    ``xdmMeta``, or None). Namespaces come out in lower case, ids without blanks around them; what is null or blank is
    no id, and an integer is one, as text. The primary is the first of the primary descriptor, else the first marked
    so, else the only one.
    """
    rules = rules or _NO_RULES
    found = _Found(rules.lowercase_ids)
    if isinstance(entity, dict):
        for descriptor in schema.identities:
            _add_described(found, descriptor, entity)
        if (mapped := entity.get("identityMap")) is not None:
            _add_mapped(found, mapped, "#/identityMap")
    if meta_identity_map is not None:
        _add_mapped(found, meta_identity_map, "#/xdmMeta/identityMap")
    if found.problem is not None:
        return Unidentified("xdm", found.problem)
    keys = list(found.states)
    if len(keys) > rules.most:
        return _bad("too_many_identities", f"{len(keys)} identities found, of which {rules.most} are allowed")
    known = rules.known
    if known is not None and (unknown := [namespace for namespace, _ in keys if namespace not in known]):
        if rules.declared_only:
            return _bad("unknown_namespace", f"identity namespace [{cut(unknown[0])}] is not declared")
        found.warnings += map(UnknownNamespace, dict.fromkeys(unknown))
    if not found.primaries and len(keys) != 1:
        return _bad("no_primary_identity", "primary identity not found")
    if len(found.primaries) > 1:
        found.warnings.append(SeveralPrimaries(len(found.primaries)))
    # In the order of finding, in which descriptors come first.
    first = next(iter(found.primaries or keys))
    primary = Identity(*first, found.states[first], True)
    if len(keys) == 1:
        return Identified((primary,), primary, tuple(found.warnings))
    identities = tuple([primary if key == first else Identity(*key, state) for key, state in found.states.items()])
    return Identified(identities, primary, tuple(found.warnings))


def _bad(reason: Literal["no_primary_identity", "too_many_identities", "unknown_namespace"], text: str) -> Unidentified:
    return Unidentified(reason, Violation("#", text, at="#"))


def _add_described(found: _Found, descriptor: IdentityField, entity: dict[str, Any]) -> None:
    for value in values_at(entity, descriptor.path):
        if (text := _id_of(value)) is None:
            pointer = "#"
            for step in descriptor.path:
                pointer = below(pointer, step)
            found.warnings.append(NoId(pointer))
        elif text:
            found.add(descriptor.namespace, text, None, descriptor.primary)


def _add_mapped(found: _Found, given: Any, pointer: str) -> None:
    if not isinstance(given, dict):
        found.problem = found.problem or Violation(pointer, "is no object of namespaces", "type")
        return
    for namespace, entries in given.items():
        here = below(pointer, namespace)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            found.problem = found.problem or Violation(here, "is no array of objects", "type")
            continue
        for index, entry in enumerate(entries):
            text = _id_of(entry.get("id"))
            if text is None:
                found.warnings.append(NoId(below(below(here, index), "id")))
            elif text and (code := namespace.strip().lower()):
                state = entry.get("authenticatedState")
                found.add(code, text, state if isinstance(state, str) else None, entry.get("primary") is True)


def _id_of(value: Any) -> str | None:
    """The id that a value is; empty where there is none, None where the value can be no id."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
