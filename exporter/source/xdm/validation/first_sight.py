"""What is right by a schema at first sight: nearly every value that is right, in a fraction of the whole check's time.

The whole check asks for each property that a schema has; this one for each that a value has. What a schema demands
beyond types, formats, bounds, properties and elements is not looked at: a value that comes to such a place is not right
at first sight, whatever the whole check will say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporter.source.xdm.validation.nodes import Array, Boolean, Node, Null, Numeric, Object, Text

_NOTHING = type(None)
_SCALARS = (str, int, bool, _NOTHING)


class Sight:
    """What is demanded at a place.

    Attributes:
        kind, other: the types that are right; no matter which where ``anything`` is.
        anything: whether nothing is demanded.
        plain: whether no more is demanded than ``kind``.
        fits: what else a scalar has to be.
        properties: of an object, by key; None where the whole check has to look.
        more: of other keys of an object, and of the elements of an array; None where the whole check has to look.
        keys: those that an object has to have.
    """

    __slots__ = ("anything", "fits", "keys", "kind", "more", "other", "plain", "properties")

    def __init__(self, kind: type, other: type | None = None, fits: Callable[[Any], bool] | None = None) -> None:
        self.kind = kind
        self.other = kind if other is None else other
        self.anything = False
        self.plain = fits is None and kind in _SCALARS
        self.fits = fits
        self.properties: dict[str, Sight | None] = {}
        self.more: Sight | None = None
        self.keys: tuple[str, ...] = ()


def _anything() -> Sight:
    sight = Sight(object)
    sight.anything = True
    return sight


def sight_of(node: Node) -> Sight | None:
    """What ``node`` demands; None where the whole check has to look."""
    if not node.parts:
        return _anything()
    if len(node.parts) > 1:
        return None
    match node.parts[0]:
        case Text(required=True) as text:
            return Sight(str, fits=_text(text))
        case Numeric(required=True, multiple_of=None) as numeric:
            return Sight(int, None if numeric.integer else float, _bounds(numeric))
        case Boolean():
            return Sight(bool)
        case Null():
            return Sight(_NOTHING)
        case Object(required=True, min_properties=None, max_properties=None) as part:
            return _object(part)
        case Array(required=True, min_items=None, max_items=None, unique=False) as array:
            sight = Sight(list)
            sight.more = _anything() if array.items is None else sight_of(array.items)
            return sight
        case _:
            return None


def _object(part: Object) -> Sight:
    sight = Sight(dict)
    sight.properties = {key: sight_of(node) for key, node in part.properties.items()}
    sight.keys = part.keys
    if part.additional is None or part.additional is True:
        sight.more = _anything()
    elif isinstance(part.additional, Node):
        sight.more = sight_of(part.additional)
    return sight


def _text(part: Text) -> Callable[[str], bool] | None:
    least, most = part.min_length or 0, part.max_length
    found = None if part.pattern is None else part.pattern.found
    fits = None if part.format is None else part.format.fits
    if not least and most is None:
        if found is None or fits is None:
            return found or fits
        return lambda text: found(text) and fits(text)
    return lambda text: (
        least <= len(text)
        and (most is None or len(text) <= most)
        and (found is None or found(text))
        and (fits is None or fits(text))
    )


def _bounds(part: Numeric) -> Callable[[Any], bool] | None:
    least, most, above, below = part.minimum, part.maximum, part.exclusive_minimum, part.exclusive_maximum
    if least is None and most is None and above is None and below is None:
        return None
    return lambda number: bool(
        (least is None or number >= least)
        and (most is None or number <= most)
        and (above is None or number > above)
        and (below is None or number < below)
    )


def is_right(value: Any, sight: Sight) -> bool:
    """Whether a JSON value is right for certain."""
    if sight.anything:
        return True
    kind = type(value)
    if kind is not sight.kind and kind is not sight.other:
        return False
    if kind is dict:
        properties, more = sight.properties, sight.more
        node: dict[Any, Any] = value  # with its type known, the compiled build makes no tuple for each item
        for key, each in node.items():
            inner = properties.get(key, more)
            if inner is None or not ((inner.plain and type(each) is inner.kind) or is_right(each, inner)):
                return False
        return not sight.keys or all(key in value for key in sight.keys)
    if kind is list:
        more = sight.more
        if more is None:
            return not value
        return all(is_right(each, more) for each in value)
    fits = sight.fits
    return fits is None or fits(value)
