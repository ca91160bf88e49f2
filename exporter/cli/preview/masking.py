"""What ``exporter preview`` hides in the requests of one destination because of where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from exporter.cli.preview.secrets import Masking
from exporter.sections.section import FromFile
from exporter.settings.loading.load import Loaded
from exporter.settings.tree import Destination


def masking(loaded: Loaded, destination: Destination) -> Masking:
    """Hides texts from ``!file`` anywhere, and every header and query value that is or holds a ``${}`` or ``!file``.

    Headers, a query or an endpoint in one text with a ``${}`` hide all their values: which one it stands in is lost.
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
    return Masking(_secrets(loaded.secret_files), headers, parameters)


def _named(loaded: Loaded, index: int) -> set[str]:
    """The names, as they are sent, of parameters in a mapping whose values came from elsewhere."""
    at = ("destinations", index, "query")
    return {quote(str(steps[3]), safe="") for steps in loaded.indirect if steps[:3] == at and len(steps) == 4}


def _parameters(query: str, names: set[str] | None) -> Iterator[str]:
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if names is None or (name in names and value):
            yield parameter


def _secrets(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        try:
            yield FromFile.read(file)
        except (OSError, UnicodeDecodeError):  # it changed since it was loaded
            continue
