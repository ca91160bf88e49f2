"""The plainest mappings, of one field to one field: nearly all there are, and so without a detour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.source.dataprep.run import Run
from exporter.source.xdm.fields import Kind

Apply = Callable[[Run, dict[str, Any]], None]

#: The JSON type of which a value needs no coercion, where there is one.
_FITTING: dict[Kind, type] = {
    Kind.STRING: str,
    Kind.ANY: str,
    Kind.BOOLEAN: bool,
    Kind.INTEGER: int,
    Kind.NUMBER: int,
}
#: A whole number beyond is looked at for its bits.
_SMALL = 2**31
#: A text that is no longer is not counted: the number of mappings bounds what all of them take.
_SHORT = 200


def attribute(source: tuple[str, ...], destination: tuple[str, ...], kind: Kind, otherwise: Apply) -> Apply:
    """What puts the value at the path ``source`` of a record to the path ``destination``, whose type is ``kind``.

    Null is not put. ``otherwise`` does the same for values that are not as they have to be.
    """
    fitting = _FITTING.get(kind)
    *above, last = destination
    first, *rest = source

    def apply(run: Run, entity: dict[str, Any]) -> None:
        value: Any = run.record.get(first)
        for step in rest:
            if type(value) is not dict:
                return
            value = value.get(step)
        found = type(value)
        if (
            found is not fitting
            or (found is str and len(value) > _SHORT)
            or (found is int and not -_SMALL < value < _SMALL)
        ):
            if value is not None:
                otherwise(run, entity)
            return
        node = entity
        for step in above:
            below = node.get(step)
            if type(below) is not dict:
                below = node[step] = {}
            node = below
        node[last] = value

    return apply
