"""The plainest mappings, of one field to one field: nearly all there are, and so without a detour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from exporter.source.dataprep.dates.forms import is_date, is_date_time
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
    Kind.DATE: str,
    Kind.DATE_TIME: str,
}
#: Which texts these are, where not every text needs no coercion.
_TEXTS: dict[Kind, Callable[[str], bool]] = {Kind.DATE: is_date, Kind.DATE_TIME: is_date_time}
#: A whole number beyond is looked at for its bits.
_SMALL = 2**31
#: A text that is no longer is not counted: the number of mappings bounds what all of them take.
_SHORT = 200


#: ``first, rest, fitting, fits, above, last``: takes a value along ``first`` and ``rest`` from a record, and puts what
#: is ``fitting`` at ``last`` in ``above``. A text has to be one that ``fits``, where there is such a test. Null is not
#: put. Nothing is taken apart sooner than a tuple of which the compiled build knows the types.
Attribute: TypeAlias = tuple[str, tuple[str, ...], type | None, Callable[[str], bool] | None, tuple[str, ...], str]


def attribute(source: tuple[str, ...], destination: tuple[str, ...], kind: Kind) -> Attribute:
    """What puts the value at the path ``source`` of a record to the path ``destination``, whose type is ``kind``."""
    return source[0], source[1:], _FITTING.get(kind), _TEXTS.get(kind), destination[:-1], destination[-1]


def put_fitting(attributes: Sequence[Attribute | None], at: int, run: Run, entity: dict[str, Any]) -> int:
    """Put the values of ``attributes`` from place ``at`` on, up to one that is not as it has to be, or to a None.

    Returns the place of that one, which is to be mapped in the general way; how many there are, where all was put.
    """
    record = run.record
    node = entity
    where: tuple[str, ...] = ()
    for each in attributes[at:]:
        if each is None:
            return at
        first, rest, fitting, fits, above, last = each
        value: Any = record.get(first)
        if rest:
            for step in rest:
                value = value.get(step) if type(value) is dict else None
        if value is not None:
            found = type(value)
            if found is not fitting:
                return at
            if found is str:
                if fits is not None:
                    if not fits(value):
                        return at
                elif len(value) > _SHORT:
                    run.left -= len(value)
                    if run.left < 0:
                        return at
            elif not -_SMALL < value < _SMALL:
                return at
            if above is not where and above != where:
                node, where = entity, above
                for step in above:
                    below = node.get(step)
                    if type(below) is not dict:
                        below = node[step] = {}
                    node = below
            node[last] = value
        at += 1
    return at
