"""Paths in the configuration: ``~`` is the home folder."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from exporter.sections.mistakes import mistake


class NoHome(Exception):
    """The text names a home folder that is not known; the message says which."""


def expanded(text: str) -> str:
    """The path with ``~`` or ``~name`` at the beginning replaced; ``./~`` is a file of that name.

    Raises:
        NoHome: the home folder is not known.
    """
    path = os.path.expanduser(text)  # noqa: PTH111 (pathlib takes ./~ for ~)
    if text.startswith("~") and path == text:
        raise NoHome(f"the home folder that {text.split('/', 1)[0]} stands for is not known")
    return path


def _expanded(value: Any) -> Any:
    if not isinstance(value, str | Path):
        return value
    try:
        return expanded(str(value))
    except NoHome as error:
        raise mistake(str(error)) from None


#: A path as a field of the configuration.
FilePath = Annotated[Path, BeforeValidator(_expanded), WithJsonSchema({"type": "string", "format": "path"})]
