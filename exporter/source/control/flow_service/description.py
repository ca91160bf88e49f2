"""In what one kind of object differs from the others; the replies are the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.bodies import Fault, fault_by
from exporter.source.control.flow_service.references import Fields
from exporter.source.control.flow_service.view import View
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.shapes import TEXT, Shape, fields, sent, texts

STATES: Final = ("enabled", "disabled")
#: What a specification is named by.
SPEC: Final[Shape] = fields(texts("id"), texts("version"))


def shape_of(
    required: Mapping[str, Shape], optional: Mapping[str, Shape], never_null: Mapping[str, Shape] | None = None
) -> Shape:
    """JSON Schema of an object: its name and its description, and what a kind of object has beside them."""
    name = {"type": "string", "minLength": 1, "maxLength": 1000}
    shape = sent({"name": name, **required}, {"description": TEXT, "providerId": TEXT, **optional})
    return {**shape, "properties": {**shape["properties"], **(never_null or {})}}


@dataclass(frozen=True, slots=True)
class Description:
    """One kind of object.

    Attributes:
        kind: the word in its path.
        operation: what the names of its operations end with: ``Connection`` for ``createConnection``.
        noun: what people call it.
        shape: JSON Schema of a new one, and of its fields.
        specs: of which specifications it may be: the field that says it, and their ids.
        completed: the fields of a new one from what a body says, and an inlet that nobody had before.
        checked: what is wrong with fields, given the other objects; None where all is well.
        added: what is shown beside its own fields, and in their place.
        derived: the names of those that ``added`` shows at the first level; nobody else may say them.
        fixed: what nobody may change, as steps.
        held: why it cannot be deleted; None where it can.
        switched: whether it may be enabled and disabled.
        born_enabled: whether a new one may not say its state.
        tested: whether it can be asked whether it works.
        uncompiled: the code of the answer where what it comes to cannot be compiled.
        left: as what kind, and with which fields, one that is deleted stays; None: it does not.
        fault: says what is wrong with a value by ``shape``.
    """

    kind: Kind
    operation: str
    noun: str
    shape: Shape
    specs: tuple[str, frozenset[str]]
    completed: Callable[[dict[str, Any], str], dict[str, Any]]
    checked: Callable[[Fields, Objects], Answer | None]
    added: Callable[[Resource, View], Fields]
    held: Callable[[Resource, Objects], Answer | None]
    derived: frozenset[str] = frozenset()
    fixed: tuple[tuple[str, ...], ...] = ()
    switched: bool = False
    born_enabled: bool = False
    tested: bool = False
    uncompiled: str = "1400-400"
    left: tuple[Kind, Callable[[Resource, Objects], Fields]] | None = None
    fault: Fault = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", fault_by(self.shape))

    def shown(self, resource: Resource, view: View) -> dict[str, Any]:
        """An object as it is shown."""
        return {"description": "", **view.common(resource), **self.added(resource, view)}
