"""Puts what the configuration declares and the objects that were made by API together, in the configuration's form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.sections.mistakes import Mistake
from exporter.source.control.objects.objects import Objects
from exporter.source.processing.compiling import Declared
from exporter.source.processing.planes import Ids


@dataclass(frozen=True, slots=True)
class Assembled:
    """All of it.

    Attributes:
        declared: what says what records are.
        ids: of all sources and flows.
        disabled: the names of sources whose inlets take nothing.
        namespaces: those that were made.
    """

    declared: Declared
    ids: Ids
    disabled: frozenset[str] = frozenset()
    namespaces: Sequence[str] = ()


def assembled(declared: Declared, ids: Ids, objects: Objects) -> Assembled | Sequence[Mistake]:
    """What the configuration and the objects come to together, or what is wrong with the objects.

    Args:
        declared: what the configuration declares.
        ids: of its sources and flows.
        objects: all of them; those that are declared are passed over.
    """
    return Assembled(declared, ids)
