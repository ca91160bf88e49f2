"""The values that ``exporter preview`` hides in the requests of a destination because of their origin."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel

from exporter.cli.preview.secrets import Masking
from exporter.sections.section import FromFile, Secret
from exporter.settings.loading.expansion import STAND_IN, names_in
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Destination


def masking(loaded: Loaded, destination: Destination) -> Masking:
    """The masking that hides configured secrets and texts from ``!file`` anywhere, and values from variables.

    The latter are every header and query value that is or holds a ``${}``, and each part of the endpoint's path that is
    a variable's value. Headers, a query or an endpoint in one text with a ``${}`` hide all their values: the place of
    the ``${}`` is lost.
    """
    index = loaded.settings.destinations.index(destination)

    def is_indirect(*steps: str) -> bool:
        return ("destinations", index, *steps) in loaded.indirect

    all_headers = is_indirect("headers")
    headers = [name for name in destination.headers if all_headers or is_indirect("headers", name)]
    parameters = [
        *(destination.endpoint.partition("?")[2].split("&") if is_indirect("endpoint") else ()),
        *(_parameters(destination.query, None if is_indirect("query") else _named(loaded, index))),
    ]
    secrets = [*_in_files(loaded.secret_files), *_in_section(destination)]
    return Masking(secrets, headers, parameters, _variables(loaded.files) if is_indirect("endpoint") else ())


def _named(loaded: Loaded, index: int) -> set[str]:
    """The names, in sent form, of parameters in a mapping whose values came from elsewhere."""
    at = ("destinations", index, "query")
    return {quote(str(steps[3]), safe="") for steps in loaded.indirect if steps[:3] == at and len(steps) == 4}


def _parameters(query: str, names: set[str] | None) -> Iterator[str]:
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if names is None or (name in names and value):
            yield parameter


def _in_files(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        try:
            yield FromFile.read(file)
        except (OSError, UnicodeDecodeError):  # it changed since it was loaded
            continue


def _in_section(section: BaseModel) -> Iterator[str]:
    """Every value that has the type of a secret."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Secret):
            yield value.reveal()
        elif isinstance(value, BaseModel):
            yield from _in_section(value)


def _variables(files: Iterable[Path]) -> Iterator[str]:
    """The values of the variables that the configuration's files refer to."""
    for file in files:
        try:
            names = names_in(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):  # it changed since it was loaded
            continue
        # A variable that is not set may have a stand-in, which is hidden too: what is shown is the same everywhere.
        yield from (os.environ.get(name) or STAND_IN + name for name in names)
