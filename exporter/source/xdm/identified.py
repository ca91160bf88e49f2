"""What a configuration says of identities, and what looking for those of a record comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import msgspec

from exporter.source.records import Identity
from exporter.source.xdm.validation.violation import Violation

#: As the reference system has it.
MOST_IDENTITIES = 20


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """What a configuration says of identities; namespaces are in lower case.

    Attributes:
        most: how many identities a record may have.
        lowercase_ids: namespaces whose ids are the same in any case, and are kept in lower case.
        known: the namespaces that are declared or built in; None where any is as good as another.
        declared_only: whether a record with another namespace is bad, and not only worth a warning.
    """

    most: int = MOST_IDENTITIES
    lowercase_ids: frozenset[str] = frozenset()
    known: frozenset[str] | None = None
    declared_only: bool = False


@dataclass(frozen=True, slots=True)
class SeveralPrimaries:
    """Worth a warning: ``count`` identities say that they are primary, and the first was taken."""

    kind: ClassVar = "primaries"

    count: int

    def __str__(self) -> str:
        return f"{self.count} identities say that they are primary: the first counts"


@dataclass(frozen=True, slots=True)
class UnknownNamespace:
    """Worth a warning: a namespace that is neither declared nor built in."""

    kind: ClassVar = "namespace"

    namespace: str

    def __str__(self) -> str:
        return f"identity namespace {self.namespace} is neither declared nor built in"


@dataclass(frozen=True, slots=True)
class NoId:
    """Worth a warning: what stands where an id should is a boolean, a fraction or an object, and was left out."""

    kind: ClassVar = "id"

    pointer: str

    def __str__(self) -> str:
        return f"what stands at {self.pointer} can be no id, and was left out"


IdentityWarning: TypeAlias = SeveralPrimaries | UnknownNamespace | NoId


class Identified(msgspec.Struct, frozen=True, gc=False):
    """``identities``: each once, in order, ``primary`` among them and the only one that is marked so."""

    identities: tuple[Identity, ...]
    primary: Identity
    warnings: tuple[IdentityWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Unidentified:
    """Why a record is bad: the reason's name, and the same as a violation."""

    reason: Literal["no_primary_identity", "too_many_identities", "unknown_namespace", "xdm"]
    violation: Violation
