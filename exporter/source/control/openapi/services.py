"""The services of the control plane, by how their paths begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, what it is for, and how its paths begin."""

    name: str
    description: str
    prefixes: tuple[str, ...]


SERVICES: Final = (
    Service("Tokens", "Tokens for clients, and the keys that verify them.", ("/ims/",)),
    Service(
        "Flow Service",
        "Connections, the flows between them, and what became of their records.",
        ("/data/foundation/flowservice/",),
    ),
    Service(
        "Data Prep",
        "Mapping sets, by which raw records become XDM, and their language.",
        ("/data/foundation/conversion/", "/data/foundation/mappingSets", "/data/foundation/languages/"),
    ),
    Service(
        "Schema Registry",
        "Schemas, and the descriptors that say where identities stand.",
        ("/data/foundation/schemaregistry/",),
    ),
    Service(
        "Catalogue",
        "Datasets, and batches in which records failed.",
        ("/data/foundation/catalog/", "/data/foundation/export/"),
    ),
    Service("Namespaces", "Namespaces of identities.", ("/data/core/idnamespace/",)),
    Service("Profiles", "Profiles, read and deleted.", ("/data/core/ups/",)),
    Service("Description", "This document.", ("/openapi.json",)),
)


def service_of(path: str) -> Service:
    """The service of a path.

    Raises:
        ValueError: no service has such a path.
    """
    found = next((each for each in SERVICES if path.startswith(each.prefixes)), None)
    if found is None:
        raise ValueError(f"no service has the path {path}")
    return found
