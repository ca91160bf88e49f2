"""A catalogue of segments in JSON as plain values, with the lines of segments and keys."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from exporter.sections.regular_file import CONFIGURATION_BYTES, read_regular
from exporter.settings.loading.problems import Problem
from exporter.settings.loading.yaml_file import Document

_SPACE = re.compile(r"[ \t\r\n]*")
#: Numbers stay text, as in a YAML file: the field that reads a number decides.
_VALUES = json.JSONDecoder(parse_float=str, parse_int=str)


def read_json(file: Path) -> Document:
    """The file, which comes from another system: texts are taken unchanged, without ``${}``."""
    document = Document(str(file))
    try:
        content = read_regular(file, CONFIGURATION_BYTES).content
        text = content.decode(json.detect_encoding(content))
        document.value = _VALUES.decode(text)
        _Places(text, document).note()
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror or 'unknown error'}"
        document.problems.append(Problem(document.file, None, (), reason))
    except json.JSONDecodeError as error:
        # Such a file may be a single line.
        reason = f"this is not JSON: {error.msg} (column {error.colno})"
        document.problems.append(Problem(document.file, error.lineno, (), reason))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        document.problems.append(Problem(document.file, line, (), "the file is not UTF-8 text"))
    except RecursionError:
        document.problems.append(Problem(document.file, None, (), "this is nested too deeply"))
    return document


class _Places:
    """Walks a text that is known to be JSON, two levels deep, which is all that a catalogue has."""

    def __init__(self, text: str, document: Document) -> None:
        self._text = text
        self._document = document
        self._line_ends = [match.start() for match in re.finditer("\n", text)]

    def note(self) -> None:
        begin = self._after_space(0)
        self._document.lines[()] = self._line(begin)
        if self._text[begin] != "[":
            return
        for index, item in enumerate(self._items(begin)):
            self._document.lines[(index,)] = self._line(item)
            if self._text[item] == "{":
                self._keys(index, item)

    def _keys(self, index: int, begin: int) -> None:
        lines = self._document.lines
        for key, place in self._members(begin):
            steps, line = (index, key), self._line(place)
            if steps in lines:
                reason = f"this key is given twice (first in line {lines[steps]})"
                self._document.problems.append(Problem(self._document.file, line, steps, reason))
            else:
                lines[steps] = line

    def _items(self, begin: int) -> Iterator[int]:
        """The place where each item of an array begins."""
        at = self._after_space(begin + 1)
        while self._text[at] != "]":
            yield at
            at = self._after_comma(self._after_value(at))

    def _members(self, begin: int) -> Iterator[tuple[str, int]]:
        """The keys of an object, each with the place where the key begins."""
        at = self._after_space(begin + 1)
        while self._text[at] != "}":
            key, end = _VALUES.raw_decode(self._text, at)
            yield key, at
            value = self._after_space(self._after_space(end) + 1)
            at = self._after_comma(self._after_value(value))

    def _after_value(self, at: int) -> int:
        return self._after_space(_VALUES.raw_decode(self._text, at)[1])

    def _after_comma(self, at: int) -> int:
        return self._after_space(at + 1) if self._text[at] == "," else at

    def _after_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return at if found is None else found.end()

    def _line(self, at: int) -> int:
        return bisect_right(self._line_ends, at) + 1
