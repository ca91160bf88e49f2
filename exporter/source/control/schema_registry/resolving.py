"""What a schema of the registry comes to: one JSON Schema document, in which its ``allOf`` is resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from exporter.sections.mistakes import Mistake, Steps
from exporter.source.control.schema_registry.merging import Merging
from exporter.source.xdm.declaring.fields import FieldDeclarations
from exporter.source.xdm.groups.catalogue import BY_URI, CLASSES, REQUIRED
from exporter.source.xdm.groups.field_group import FieldGroup
from exporter.source.xdm.schema import Behaviour
from exporter.source.xdm.validation.keywords import is_annotation
from exporter.source.xdm.validation.pointers import found_at, steps_of

_BEHAVIOURS: Final[Mapping[str, Behaviour]] = {group.uri: behaviour for behaviour, group in CLASSES.items()}
_CLASS: Final = "meta:class"
#: As many elements as the ``allOf`` of a schema may have, with those of the schemas to which they refer.
MOST_ELEMENTS: Final = 100
#: What of a schema is no keyword of its document.
_ASIDE: Final = ("allOf", "version", _CLASS)


def references_of(fields: Mapping[str, Any]) -> Iterator[str]:
    """What a schema refers to at its root, in order: its class and its field groups."""
    all_of = fields.get("allOf")
    for each in all_of if isinstance(all_of, list) else ():
        reference = each.get("$ref") if isinstance(each, dict) else None
        if isinstance(reference, str) and not reference.startswith("#"):
            yield reference


def behaviour_of(fields: Mapping[str, Any]) -> Behaviour:
    """What records of a schema are: by its class, which it refers to or names; without one they are profiles."""
    named = [*references_of(fields), fields.get(_CLASS)]
    found = (_BEHAVIOURS[each] for each in named if isinstance(each, str) and each in _BEHAVIOURS)
    return next(found, Behaviour.RECORD)


def document_of_group(group: FieldGroup) -> dict[str, Any]:
    """A class or a field group as a JSON Schema."""
    declared = FieldDeclarations()
    declared.add(group.fields, ())
    behaviour = _BEHAVIOURS.get(group.uri)
    required = REQUIRED[behaviour] if behaviour is not None else ()
    return declared.document() | ({"required": list(required)} if required else {})


def resolved(fields: Mapping[str, Any]) -> dict[str, Any] | tuple[Mistake, ...]:
    """The document of a schema with these fields, or its mistakes, with places that begin at the fields. Never raises.

    A schema that refers to a class has the fields of the class. References to a place in the schema itself stay as they
    are below the root; what is wrong with the rest is for whoever compiles the document to say.
    """
    merging = Merging({key: value for key, value in fields.items() if key not in _ASIDE})
    resolving = _Resolving(fields, merging)
    resolving.add(fields.get("allOf"), ("allOf",), ())
    classes = {each for each in references_of(fields) if each in _BEHAVIOURS}
    if len(classes) > 1:
        merging.mistakes.append(Mistake(("allOf",), "names two classes"))
    return tuple(merging.mistakes) if merging.mistakes else merging.document


class _Resolving:
    """Adds to a schema what its ``allOf`` says."""

    def __init__(self, fields: Mapping[str, Any], merging: Merging) -> None:
        self._fields = fields
        self._merging = merging
        self._elements = 0

    def add(self, all_of: Any, at: Steps, within: Sequence[str]) -> None:
        """Adds the elements of an ``allOf``; ``within`` are the references that have led here."""
        if all_of is None:
            return
        if not isinstance(all_of, list):
            self._refuse(at, "must be a list of schemas")
            return
        for index, element in enumerate(all_of):
            here = (*at, index)
            self._elements += 1
            if self._elements > MOST_ELEMENTS:
                if self._elements == MOST_ELEMENTS + 1:  # said once, wherever else it is seen
                    self._refuse(at[:1], f"has more than {MOST_ELEMENTS} elements")
                return
            if not isinstance(element, dict):
                self._refuse(here, "must be an object: a schema")
            elif "$ref" in element:
                self._refer(element, here, within)
            else:
                self._inline(element, here, within)

    def _inline(self, element: Mapping[str, Any], at: Steps, within: Sequence[str]) -> None:
        self._merging.add({key: value for key, value in element.items() if key != "allOf"}, at)
        self.add(element.get("allOf"), (*at, "allOf"), within)

    def _refer(self, element: Mapping[str, Any], at: Steps, within: Sequence[str]) -> None:
        reference = element["$ref"]
        here = (*at, "$ref")
        # What clients write beside a reference says only what the reference says, too.
        silenced = [key for key, value in element.items() if not _says_nothing(key, value)]
        if silenced:
            self._refuse(here, f"would silence {silenced[0]} beside it")
        elif not isinstance(reference, str):
            self._refuse(here, "must be a string")
        elif reference in BY_URI:
            self._merging.add(document_of_group(BY_URI[reference]), at)
        elif not reference.startswith("#"):
            self._refuse(here, f"leaves the schema: {reference} is no class or field group; there are {_KNOWN}")
        elif reference in within:
            self._refuse(here, "leads back to itself")
        else:
            self._follow(reference, here, within)

    def _follow(self, reference: str, at: Steps, within: Sequence[str]) -> None:
        try:
            element = found_at(self._fields, steps_of(reference))
        except LookupError:
            element = None
        if not isinstance(element, dict):
            self._refuse(at, f"leads to no schema: {reference}")
        elif reference == "#" or "$ref" in element:
            self._refuse(at, "must lead to a schema with fields of its own")
        else:
            self._inline(element, at, (*within, reference))

    def _refuse(self, at: Steps, reason: str) -> None:
        self._merging.mistakes.append(Mistake(at, reason))


_KNOWN: Final = ", ".join(BY_URI)


def _says_nothing(keyword: str, value: Any) -> bool:
    return keyword == "$ref" or is_annotation(keyword) or (keyword == "type" and value == "object")
