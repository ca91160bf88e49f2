"""All sections ``tls`` of a configuration, at any depth, and the files that the sections name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from exporter.sections.regular_file import Stamp
from exporter.sections.tls import Tls


def tls_sections(section: object) -> Iterator[Tls]:
    """Every ``Tls`` in ``section``, also where ``section`` is a ``Tls``."""
    if isinstance(section, Tls):
        yield section
    elif isinstance(section, BaseModel):
        for name in type(section).model_fields:
            yield from tls_sections(getattr(section, name))
    elif isinstance(section, tuple):
        for item in section:
            yield from tls_sections(item)


def tls_files(section: object) -> Iterator[tuple[Path, Stamp]]:
    """The files whose content is part of ``section``, with the stamps from the time of reading."""
    for tls in tls_sections(section):
        yield from tls.stamps.items()
