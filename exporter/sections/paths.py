"""Paths in the configuration: relative to the folder of the file that they stand in; ``~`` is the home folder."""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from exporter.sections.mistakes import mistake


class Written(str):
    """Text that stands in a file of the configuration, with that file's ``folder``."""

    __slots__ = ("folder",)
    folder: Path

    @classmethod
    def of(cls, text: str, folder: Path) -> Self:
        """The text with its folder."""
        self = cls(text)
        self.folder = folder
        return self


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


def located(text: str) -> Path:
    """The file or folder that ``text`` names: below its folder if the text is ``Written``, else the current folder.

    Each ``..`` at the beginning takes a name away from the folder as that is written, whatever links stand there:
    ``../data`` in ``/etc/exporter/exporter.yaml`` is ``/etc/data``, also where ``/etc/exporter`` is a link.

    Raises:
        NoHome: the home folder is not known.
    """
    path = Path(expanded(text))
    if not isinstance(text, Written) or path.is_absolute():
        return path
    folder, steps = text.folder, path.parts
    while steps[:1] == ("..",) and folder.name != ".." and (folder.name or folder.is_absolute()):
        folder, steps = folder.parent, steps[1:]
    return folder.joinpath(*steps)


def absolute(path: Path) -> Path:
    """The path from the root on, for people: no link is resolved, and no ``..`` stands between two folders' names."""
    return located(Written.of(f"./{path}" if str(path).startswith("~") else str(path), Path.cwd()))


def _located(value: Any) -> Any:
    if not isinstance(value, str | Path):
        return value
    if "\0" in str(value):
        raise mistake("a path must not contain a NUL character")
    try:
        return located(value if isinstance(value, str) else str(value))
    except NoHome as error:
        raise mistake(str(error)) from None


def _no_folder(path: Path) -> Path:
    if os.path.isdir(path):  # noqa: PTH112 - pathlib raises where it may not look
        raise mistake("this is a folder: name a file in it")
    return path


#: A path as a field of the configuration.
FilePath = Annotated[Path, BeforeValidator(_located), WithJsonSchema({"type": "string", "format": "path"})]
#: Of a file that is made where it is not there.
DatabasePath = Annotated[FilePath, AfterValidator(_no_folder)]
