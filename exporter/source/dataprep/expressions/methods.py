"""The methods that expressions may call: those of Java's String, Map and List which read, by a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exporter.source.dataprep.patterns import compile_pattern
from exporter.source.dataprep.run import Failed, Run
from exporter.source.dataprep.splitting import replaced_everywhere, split_at
from exporter.source.dataprep.values import to_integer, to_text


@dataclass(frozen=True, slots=True)
class Method:
    """A method of one kind of receiver; ``call`` takes the run, the receiver and the arguments."""

    least: int
    most: int
    call: Callable[..., Any]


def _index(_run: Run, text: str, part: Any, start: Any = 0) -> int:
    return text.find(to_text(part), max(to_integer(start), 0))


def _last_index(_run: Run, text: str, part: Any) -> int:
    return text.rfind(to_text(part))


def _substring(_run: Run, text: str, start: Any, end: Any = None) -> str:
    first, last = to_integer(start), len(text) if end is None else to_integer(end)
    if not 0 <= first <= last <= len(text):
        raise Failed(f"there are no characters {first} to {last}")
    return text[first:last]


def _character(_run: Run, text: str, at: Any) -> str:
    place = to_integer(at)
    if not 0 <= place < len(text):
        raise Failed(f"there is no character {place}")
    return text[place]


def _replace(run: Run, text: str, part: Any, other: Any) -> str:
    return replaced_everywhere(run, text, to_text(part), to_text(other))


def _replace_all(run: Run, text: str, pattern: Any, other: Any) -> str:
    put = to_text(other)
    parts: list[str] = []
    at = size = 0
    for match in compile_pattern(to_text(pattern)).every(text):
        run.look_at_the_clock()
        part = text[at : match.start()] + _referred(put, match.groups(), match.group(0))
        size += len(part)
        if size > run.max_bytes:
            raise run.too_large()
        parts.append(part)
        at = match.end()
    return run.bounded_text("".join(parts) + text[at:])


def _referred(put: str, groups: tuple[str | None, ...], whole: str | None) -> str:
    r"""``put`` with ``$1`` as the first group and ``\$`` as a dollar sign, as Java has them."""
    if "$" not in put and "\\" not in put:
        return put
    found, at = [], 0
    while at < len(put):
        character, following = put[at], put[at + 1 : at + 2]
        if character == "\\" and following:
            found.append(following)
            at += 2
        elif character == "$" and following.isascii() and following.isdigit():
            number = int(following)
            if number > len(groups):
                raise Failed(f"there is no group {number}")
            found.append((groups[number - 1] if number else whole) or "")
            at += 2
        else:
            found.append(character)
            at += 1
    return "".join(found)


def _compare(_run: Run, text: str, other: Any) -> int:
    """As Java's ``compareTo``: the distance of the first characters that differ, else of the lengths."""
    others = to_text(other)
    for one, two in zip(text, others, strict=False):
        if one != two:
            return ord(one) - ord(two)
    return len(text) - len(others)


def _position(_run: Run, array: list[Any], value: Any) -> int:
    """Where an element is equal and of the same type, as Java's ``equals`` has it."""
    kind = type(value)
    return next((at for at, element in enumerate(array) if type(element) is kind and element == value), -1)


def _element(_run: Run, array: list[Any], at: Any) -> Any:
    place = to_integer(at)
    return array[place] if 0 <= place < len(array) else None


_STRING: dict[str, Method] = {
    "size": Method(0, 0, lambda _run, text: len(text)),
    "length": Method(0, 0, lambda _run, text: len(text)),
    "isEmpty": Method(0, 0, lambda _run, text: not text),
    "contains": Method(1, 1, lambda _run, text, part: to_text(part) in text),
    "startsWith": Method(1, 1, lambda _run, text, part: text.startswith(to_text(part))),
    "endsWith": Method(1, 1, lambda _run, text, part: text.endswith(to_text(part))),
    "indexOf": Method(1, 2, _index),
    "lastIndexOf": Method(1, 1, _last_index),
    "substring": Method(1, 2, _substring),
    "toLowerCase": Method(0, 0, lambda run, text: run.bounded_text(text.lower())),
    "toUpperCase": Method(0, 0, lambda run, text: run.bounded_text(text.upper())),
    "trim": Method(0, 0, lambda _run, text: text.strip()),
    "replace": Method(2, 2, _replace),
    "replaceAll": Method(2, 2, _replace_all),
    "split": Method(1, 1, lambda run, text, by: run.bounded(split_at(run, text, compile_pattern(to_text(by))))),
    "charAt": Method(1, 1, _character),
    "concat": Method(1, 1, lambda run, text, other: run.bounded_text(text + to_text(other))),
    "equals": Method(1, 1, lambda _run, text, other: text == other),
    "equalsIgnoreCase": Method(
        1, 1, lambda _run, text, other: isinstance(other, str) and text.casefold() == other.casefold()
    ),
    "compareTo": Method(1, 1, _compare),
    "matches": Method(1, 1, lambda _run, text, by: compile_pattern(to_text(by)).whole(text) is not None),
}
_MAP: dict[str, Method] = {
    "get": Method(1, 1, lambda _run, found, key: None if key is None else found.get(to_text(key))),
    "containsKey": Method(1, 1, lambda _run, found, key: key is not None and to_text(key) in found),
    "keySet": Method(0, 0, lambda _run, found: list(found)),
    "values": Method(0, 0, lambda _run, found: list(found.values())),
    "size": Method(0, 0, lambda _run, found: len(found)),
    "isEmpty": Method(0, 0, lambda _run, found: not found),
}
_LIST: dict[str, Method] = {
    "get": Method(1, 1, _element),
    "size": Method(0, 0, lambda _run, array: len(array)),
    "contains": Method(1, 1, lambda run, array, value: _position(run, array, value) >= 0),
    "isEmpty": Method(0, 0, lambda _run, array: not array),
    "indexOf": Method(1, 1, _position),
}
_RECEIVERS: tuple[tuple[type, dict[str, Method]], ...] = ((str, _STRING), (dict, _MAP), (list, _LIST))
#: By name and then by the receiver's type.
METHODS: dict[str, dict[type, Method]] = {
    name: {kind: methods[name] for kind, methods in _RECEIVERS if name in methods}
    for name in sorted({*_STRING, *_MAP, *_LIST})
}
