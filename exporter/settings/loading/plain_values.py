"""YAML files beside the configuration whose values stand for themselves: neither ``${NAME}`` nor ``!file``.

Such are the tests of a configuration, ``*.test.yaml`` (contract.md#tests-of-a-configuration).
"""

from __future__ import annotations

from pathlib import Path

import yaml

from exporter.sections.mistakes import Steps
from exporter.settings.loading.yaml_file import Document, Reading, filled, read_with

#: How the name of a file with tests ends.
TEST_SUFFIXES = (".test.yaml", ".test.yml")


class Plain(str):
    """A scalar that was written without quotes: what reads it decides whether it is a number, a switch or text."""

    __slots__ = ()


def is_test_file(file: Path) -> bool:
    """Whether ``file`` has the name of a file with tests."""
    return file.name.endswith(TEST_SUFFIXES)


def read_values(file: Path) -> Document:
    """Read a YAML file; scalars are text (``Plain`` or ``str``) or null. Every mistake stands in ``problems``."""
    return read_with(_Values(Document(str(file)), file.parent, {}), file)


def values_in(content: bytes) -> Document:
    """The same for the content of a file."""
    return filled(_Values(Document(""), Path(), {}), content)


class _Values(Reading):
    def text(self, steps: Steps, node: yaml.ScalarNode, line: int) -> str | None:
        if node.tag == "!file":
            return self._refused(steps, line, "the tag !file is not known here")
        return Plain(node.value) if node.style in (None, "") else str(node.value)
