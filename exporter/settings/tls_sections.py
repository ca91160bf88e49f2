"""All sections ``tls`` of a configuration, at any depth."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

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
