"""A YAML file of the configuration as plain values, each with its line (contract.md#configuration).

Every scalar is text, except null: the field that reads the text decides whether the value is a number or a switch. So
``NO`` is no switch in a header, ``12:30`` no number, ``0123`` keeps its zero, a password of digits stays unchanged, and
the value of a variable can never become structure. A line break at a text's end, as blocks and files have, is dropped.
The text knows the folder of its file, for the fields that read a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from exporter.sections.mistakes import Steps
from exporter.sections.operator_text import trimmed
from exporter.sections.paths import NoHome, Written, located
from exporter.sections.regular_file import CONFIGURATION_BYTES, Stamp, read_regular
from exporter.sections.section import FromFile
from exporter.settings.loading.expansion import Unset, expand, is_reference, names_in
from exporter.settings.loading.problems import Problem

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml reads the same, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_STANDARD = "tag:yaml.org,2002:"
_SCALARS = frozenset(
    _STANDARD + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
#: An alias may be written often, but not so that few lines become millions of values.
_ALIASED_VALUES = 10_000
_DEPTH = 64
#: What stands in for the text of a file that cannot be read (stand_ins.py).
ABSENT_FILE = "absent-file"


@dataclass(frozen=True, slots=True)
class Absent:
    """A value that is not on this machine: what is missing, the mistake that this is, and what could stand in."""

    what: str
    problem: Problem
    stand_in: str


@dataclass(slots=True)
class Document:
    """The values of a file, and their places.

    ``lines`` has the line of every value, by the steps to the value; ``broken`` are places whose value could not be had
    (already in ``problems``); ``indirect`` are places whose value came from a file or a variable; ``secret_files`` are
    the files of ``!file``, each with its stamp from the first reading. ``absent`` are those broken places whose
    variable is not set or whose file cannot be read.
    """

    file: str
    value: Any = None
    lines: dict[Steps, int | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Steps] = field(default_factory=set)
    indirect: set[Steps] = field(default_factory=set)
    secret_files: dict[Path, Stamp] = field(default_factory=dict)
    absent: dict[Steps, Absent] = field(default_factory=dict)


def read_document(file: Path, environ: Mapping[str, str]) -> Document:
    """Read a YAML file; every mistake stands in ``problems``. Never raises for the content."""
    return read_with(Reading(Document(str(file)), file.parent, environ), file)


def read_with(reading: Reading, file: Path) -> Document:
    """The document of ``reading``, filled from ``file``. Never raises for the content."""
    try:
        content = read_regular(file, CONFIGURATION_BYTES).content
    except OSError as error:
        reading.refuse((), None, f"the file cannot be read: {error.strerror or 'unknown error'}")
        return reading.document
    return filled(reading, content)


def filled(reading: Reading, content: bytes) -> Document:
    """The document of ``reading``, filled from a file's ``content``. Never raises for the content."""
    try:
        reading.compose(content)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reading.refuse((), mark.line + 1 if mark else None, _syntax(error, content, mark))
    except yaml.YAMLError:
        reading.refuse((), None, "the file is not UTF-8 text")
    except _TooFar as error:
        reading.refuse((), error.line, "aliases or nesting go too far here")
    return reading.document


def read_beginning(file: Path, environ: Mapping[str, str]) -> tuple[Document, bool]:
    """The document, and whether it is the whole file: of a file that is not YAML, as many top-level keys as are."""
    try:
        content = read_regular(file, CONFIGURATION_BYTES).content
    except OSError:
        return Document(str(file)), False
    whole = True
    while True:
        reading = Reading(Document(str(file)), file.parent, environ)
        try:
            reading.compose(content)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            lines = content.splitlines(keepends=True)[: mark.line + 1 if mark else 0]
            whole = False
            # The last key that begins at the left goes, with all that follows.
            content = b"".join(lines[: max((n for n, line in enumerate(lines) if line[:1].isalpha()), default=0)])
            if content:
                continue
        except (yaml.YAMLError, _TooFar):
            return Document(str(file)), False
        return reading.document, whole


def _bound_depth(content: bytes) -> None:
    """Refuse deep nesting: composing recurses, and libyaml's composer has no guard.

    Raises:
        _TooFar: the nesting is too deep.
    """
    depth = 0
    for event in yaml.parse(content, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            raise _TooFar(event.start_mark.line + 1 if event.start_mark else 1)


def _syntax(error: yaml.MarkedYAMLError, content: bytes, mark: Any) -> str:
    """The parser's reason, which names characters but no values; a hint where ``${`` may be the cause."""
    lines = content.splitlines()
    if mark and mark.line < len(lines) and b"${" in lines[mark.line]:
        return 'this is not YAML: between { } or [ ] a variable must be quoted, as in "${NAME}"'
    if error.problem and "found undefined alias" in error.problem:
        return "this is not YAML: an alias without its anchor"
    if error.problem and "single document" in (error.context or ""):
        return "the file must hold a single document"
    return f"this is not YAML: {error.problem or 'it cannot be read'}"


class _TooFar(Exception):
    """A file whose values would be too many, too deep or endless."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Reading:
    """Turns the nodes of a file into values."""

    def __init__(self, document: Document, folder: Path, environ: Mapping[str, str]) -> None:
        self.document = document
        self._folder = folder
        self._environ = environ
        self._seen: set[int] = set()
        self._aliased = 0
        self._open: set[int] = set()

    def compose(self, content: bytes) -> None:
        """Read the file's ``content``. Raises YAMLError or _TooFar."""
        _bound_depth(content)
        root = yaml.compose(content, Loader=_Loader)
        self.document.value = None if root is None else self.value((), root)

    def refuse(self, steps: Steps, line: int | None, reason: str) -> None:
        self.document.problems.append(Problem(self.document.file, line, steps, reason))

    def value(self, steps: Steps, node: yaml.Node) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(steps, line)
        again = id(node) in self._seen
        self._seen.add(id(node))
        self._aliased += again
        if id(node) in self._open or len(steps) > _DEPTH or self._aliased > _ALIASED_VALUES:
            raise _TooFar(line)
        self._open.add(id(node))
        try:
            return self._of_kind(steps, node, line)
        finally:
            self._open.discard(id(node))

    def _of_kind(self, steps: Steps, node: yaml.Node, line: int) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(steps, node, line)
        if isinstance(node, yaml.MappingNode) and node.tag == _STANDARD + "map":
            return self._mapping(steps, node)
        if isinstance(node, yaml.SequenceNode) and node.tag == _STANDARD + "seq":
            return [self.value((*steps, index), item) for index, item in enumerate(node.value)]
        if node.tag == "!file":
            return self._refused(steps, line, "!file wants the path of a file, as text")
        return self._refused(steps, line, f"the tag {_tag(node)} is not known here")

    def _mapping(self, steps: Steps, node: yaml.MappingNode) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _SCALARS:
                self.refuse(steps, line, "a key must be text")
                continue
            key = key_node.value
            if key_node.tag == _STANDARD + "merge":
                self.refuse(steps, line, "merge keys (<<) are not supported")
            elif key in result:
                first = self.document.lines[(*steps, key)]
                self.refuse((*steps, key), line, f"this key is given twice (first in line {first})")
            else:
                self.document.lines[(*steps, key)] = line
                result[key] = self.value((*steps, key), value_node)
        return result

    def _scalar(self, steps: Steps, node: yaml.ScalarNode, line: int) -> str | None:
        if node.tag != "!file" and node.tag not in _SCALARS:
            return self._refused(steps, line, f"the tag {_tag(node)} is not known here")
        if node.tag == _STANDARD + "null":
            return None
        return self.text(steps, node, line)

    def text(self, steps: Steps, node: yaml.ScalarNode, line: int) -> str | None:
        """The value of a scalar that is not null by itself."""
        try:
            text = trimmed(expand(node.value, self._environ))
        except Unset as unset:
            what, stand_in = ", ".join(unset.names), unset.stand_in if node.tag != "!file" else ABSENT_FILE
            return self._absent(steps, line, str(unset), what, stand_in)
        if node.tag == "!file":
            return self._file(steps, text, line)
        if names_in(node.value):
            self.document.indirect.add(steps)
        plain = node.style in (None, "")
        return None if plain and is_reference(node.value) and text in _NULLS else Written.of(text, self._folder)

    def _file(self, steps: Steps, name: str, line: int) -> str:
        self.document.indirect.add(steps)
        try:
            file = located(Written.of(name, self._folder))
        except NoHome as error:
            return self._refused(steps, line, str(error))
        try:
            text = FromFile.read(file)
        except OSError as error:
            reason = f"the file {file} cannot be read: {error.strerror or 'unknown error'}"
            return self._absent(steps, line, reason, str(file), ABSENT_FILE)
        except UnicodeDecodeError:
            return self._refused(steps, line, "the file is not UTF-8 text")
        self.document.secret_files.setdefault(file, text.stamp)
        return text

    def _absent(self, steps: Steps, line: int, reason: str, what: str, stand_in: str) -> str:
        refused = self._refused(steps, line, reason)
        self.document.indirect.add(steps)
        if what:
            self.document.absent[steps] = Absent(what, self.document.problems[-1], stand_in)
        return refused

    def _refused(self, steps: Steps, line: int, reason: str) -> str:
        """Note the mistake and go on with a stand-in, so that the other mistakes are found too."""
        self.refuse(steps, line, reason)
        self.document.broken.add(steps)
        return ""


def _tag(node: yaml.Node) -> str:
    return str(node.tag).replace(_STANDARD, "!!")
