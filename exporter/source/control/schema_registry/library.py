"""The behaviours, classes and field groups that ship with the package, by API: read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.request import Request
from exporter.source.control.schema_registry.accept import wishes_of
from exporter.source.control.schema_registry.listing import listed
from exporter.source.control.schema_registry.shapes import LIBRARY as LIBRARY_DOCUMENT
from exporter.source.control.schema_registry.showing import DATA, LIST_WORDS, WORDS, alternative_id, shown_group
from exporter.source.xdm.groups.catalogue import CLASSES, GROUPS
from exporter.source.xdm.groups.field_group import FieldGroup

#: What classes extend; their fields are those of their classes.
_BEHAVIOURS: Final = tuple(
    FieldGroup(behaviour.value, DATA[behaviour], f"{group.title} behaviour", group.description, {}, (behaviour,))
    for behaviour, group in CLASSES.items()
)
#: What there is, by the word in the path; of data types and of schemas that everybody has there is none.
LIBRARY: Final[Mapping[str, Sequence[FieldGroup]]] = {
    "behaviors": _BEHAVIOURS,
    "classes": tuple(CLASSES.values()),
    "fieldgroups": tuple(GROUPS.values()),
    "datatypes": (),
    "schemas": (),
}
_AS_KEPT: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Library:
    """The path of one kind.

    Attributes:
        kind: the word in the path.
        listed: what its list has; in the tenant's container nothing is listed, and all can be read.
    """

    kind: str
    listed: Sequence[FieldGroup]

    async def all(self, request: Request) -> Answer:
        """The list."""
        wishes = wishes_of(request.head.headers.get("accept", ""), LIST_WORDS)
        if isinstance(wishes, Answer):
            return wishes
        return listed(
            request,
            self.listed,
            lambda each: shown_group(each, self.kind, _AS_KEPT),
            lambda each: shown_group(each, self.kind, wishes),
            LIBRARY_DOCUMENT,
        )

    async def get(self, request: Request) -> Answer:
        """One class or field group."""
        wishes = wishes_of(request.head.headers.get("accept", ""), WORDS)
        if isinstance(wishes, Answer):
            return wishes
        name = request.ids["id"]
        group = next((each for each in LIBRARY[self.kind] if name in (each.uri, alternative_id(each.uri))), None)
        if group is None:
            return failed(404, "1439-404", f"There is nothing with id = [{name}] among {self.kind}")
        return found(shown_group(group, self.kind, wishes))
