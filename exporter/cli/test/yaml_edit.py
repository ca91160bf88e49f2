"""Changes values in the text of a YAML file, and nothing else: comments and layout around a value stay as they are.

A value is changed as deep in the text as can be: a scalar takes the place of a scalar, a line is added or taken away.
Whoever calls reads the result again before trusting it: of anchors and odd layouts the text cannot always be changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from exporter.cli.test.json_tree import Json, Number, same, typed
from exporter.settings.loading.plain_values import Plain

#: What is written on one line, as long as it is no longer than this.
_WIDTH = 100
_STEP = 2
#: Text that needs no quotes, also within { } and [ ].
_UNQUOTED = re.compile(r"\w[\w./@+-]*(?: [\w./@+-]+)*")
_ALIAS = re.compile(r"[ \t]*:\s*(\*[^\s,\[\]{}]+)")
_STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` takes the place of the characters from ``begin`` to ``end``."""

    begin: int
    end: int
    text: str


def changed(text: str, changes: Mapping[tuple[str | int, ...], Json]) -> str:
    """The text of a YAML file with other values at the steps of ``changes``.

    Raises:
        KeyError, IndexError: there is no value at some steps.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        raise KeyError("the file is empty")
    edits = [edit for steps, value in changes.items() for edit in _Change(text).at(root, steps, value)]
    pieces: list[str] = []
    end = 0
    for edit in sorted(edits, key=lambda edit: edit.begin):
        pieces += [text[end : edit.begin], edit.text]
        end = max(end, edit.end)
    return "".join([*pieces, text[end:]])


@dataclass(frozen=True, slots=True)
class _Place:
    """A value in the text. ``indent`` is the column of the keys around; ``is_flow``: brackets stand around it."""

    node: yaml.Node
    begin: int
    end: int
    indent: int
    is_flow: bool


class _Change:
    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def at(self, root: yaml.Node, steps: Sequence[str | int], value: Json) -> Iterator[Edit]:
        place = _Place(root, root.start_mark.index, self._end(root), 0, is_flow=False)
        for step in steps:
            place = self._entries(place)[step]
        yield from self._change(place, value)

    def _change(self, place: _Place, value: Json) -> Iterator[Edit]:
        node = place.node
        if same(_value_of(node), value):
            return
        entries = self._entries(place)
        if isinstance(node, yaml.MappingNode) and isinstance(value, dict) and not self._is_alias(place):
            if entries.keys() == value.keys():
                for key, part in value.items():
                    yield from self._change(entries[key], part)
                return
            edits = None if node.flow_style else self._by_lines(node, entries, value)
            if edits is not None:
                yield from edits
                return
        elif isinstance(node, yaml.SequenceNode) and isinstance(value, list) and len(value) == len(node.value):
            begins = [place.begin, *(entries[index].begin for index in range(len(value))), place.end]
            if not self._is_alias(place) and begins == sorted(begins):  # no item is an alias
                for index, part in enumerate(value):
                    yield from self._change(entries[index], part)
                return
        yield self._replaced(place, value)

    def _by_lines(
        self, node: yaml.MappingNode, entries: Mapping[str | int, _Place], value: Mapping[str, Json]
    ) -> list[Edit] | None:
        """A mapping with an entry a line: lines go, and others come behind the last one that stays."""
        kept = [key for key, _ in node.value if key.value in value]
        if not kept:
            return None
        edits: list[Edit] = []
        for key, _ in node.value:
            if key.value in value:
                edits += self._change(entries[key.value], value[key.value])
                continue
            begin = self._line_begin(key.start_mark.index)
            if self._text[begin : key.start_mark.index].strip():
                return None
            # With the line break before it: that behind it may be where other lines come in.
            edits.append(Edit(begin - len(self._newline), self._line_end(entries[key.value].end), ""))
        indent = node.start_mark.column
        new = [line for key, part in value.items() if key not in entries for line in _entry(key, part, indent)]
        if new:
            end = self._line_end(entries[kept[-1].value].end)
            edits.append(Edit(end, end, "".join(self._newline + line for line in new)))
        return edits

    def _replaced(self, place: _Place, value: Json) -> Edit:
        begin = len(self._text[: place.begin].rstrip(" "))
        before = self._text[:begin]
        on_one_line = flow(value)
        column = place.begin - self._line_begin(place.begin)
        end = place.end
        if place.is_flow and not self._text[begin:end].strip():  # no value, with a blank before the comma
            end += len(self._text[end:]) - len(self._text[end:].lstrip(" "))
        is_long = not place.is_flow and bool(value) and column + len(on_one_line) > _WIDTH
        if before.endswith("\n"):  # the value begins a line of its own
            blank = self._text[begin : place.begin]
            begin -= len(self._newline)
            if before.rstrip().endswith(":"):
                begin, blank = len(before.rstrip()), " "
            else:
                blank = self._newline + blank
        else:
            blank = self._text[begin : place.begin] if before.endswith(("[", "{")) else " "
        if is_long and _is_collection(value):
            blank, on_one_line = "", "".join(self._newline + line for line in _block(value, place.indent + _STEP))
        return Edit(begin, end, blank + on_one_line)

    def _entries(self, place: _Place) -> dict[str | int, _Place]:
        node = place.node
        is_flow = place.is_flow or bool(getattr(node, "flow_style", False))
        if isinstance(node, yaml.SequenceNode):
            return {
                index: _Place(item, item.start_mark.index, self._end(item), item.start_mark.column, is_flow)
                for index, item in enumerate(node.value)
            }
        found: dict[str | int, _Place] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            alias = _ALIAS.match(self._text, key.end_mark.index)
            begin, end = alias.span(1) if alias else (value.start_mark.index, self._end(value))
            found[key.value] = _Place(value, begin, end, key.start_mark.column, is_flow)
        return found

    def _is_alias(self, place: _Place) -> bool:
        return self._text[place.begin] == "*" if place.begin < len(self._text) else False

    def _end(self, node: yaml.Node) -> int:
        """Where a value's own text ends: the parser's mark of a block lies behind the comments that follow."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            if not isinstance(last, tuple):
                return self._end(last)
            alias = _ALIAS.match(self._text, last[0].end_mark.index)
            return alias.end(1) if alias else self._end(last[1])
        begin, end = node.start_mark.index, node.end_mark.index
        return begin + len(self._text[begin:end].rstrip())

    def _line_begin(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """The end of the line at ``at``, without the line break."""
        end = self._text.find(self._newline, at)
        return len(self._text) if end < 0 else end


def flow(value: Json) -> str:
    """A value on a single line, quoted only where quotes are needed."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Number():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            return _scalar(str(value))


def _scalar(text: str) -> str:
    if _UNQUOTED.fullmatch(text) and type(typed(Plain(text))) is str:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if isinstance(node, yaml.ScalarNode) and node.tag == _STRING:  # for other readers of YAML too
            return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in quoted)


def _block(value: Json, indent: int) -> Iterator[str]:
    """The lines of a collection that is not empty."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _entry(key, part, indent)
        return
    for part in value:
        if not _is_collection(part) or not part or indent + _STEP + len(flow(part)) <= _WIDTH:
            yield f"{' ' * indent}- {flow(part)}"
            continue
        first, *more = _block(part, indent + _STEP)
        yield f"{' ' * indent}- {first.lstrip(' ')}"
        yield from more


def _entry(key: str, value: Json, indent: int) -> Iterator[str]:
    on_one_line = f"{' ' * indent}{flow(key)}: {flow(value)}"
    if not _is_collection(value) or not value or len(on_one_line) <= _WIDTH:
        yield on_one_line
        return
    yield f"{' ' * indent}{flow(key)}:"
    yield from _block(value, indent + _STEP)


def _is_collection(value: Json) -> bool:
    return isinstance(value, dict | list)


def _value_of(node: yaml.Node) -> Json:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value_of(item) for item in node.value]
    if node.tag == "tag:yaml.org,2002:null":
        return None
    is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return typed(Plain(node.value)) if is_plain else str(node.value)
