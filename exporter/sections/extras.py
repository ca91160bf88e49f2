"""Which library is missing, where a part of the configuration needs one that is not installed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

#: The package's name where packages are installed; the command and the import are called ``exporter``.
DISTRIBUTION = "profile-exporter"


def missing_extra(
    extra: str, *modules: str, what: str = "this kind needs a client that is not installed"
) -> str | None:
    """A sentence that begins with ``what`` and names what to install, or None where all ``modules`` can be found.

    Imports nothing but the packages in which a module stands. The sentence names the libraries of the package's
    ``extra``, with the versions that the package's own metadata asks for, and never the package: an index may have
    another package of that name.
    """
    if all(map(_is_there, modules)):
        return None
    needed = " ".join(f"'{requirement}'" for requirement in _libraries(extra))
    wanted = f"pip install {needed}" if needed else f"the libraries of the extra {extra}, in pyproject.toml"
    return f"{what}: {wanted} (into the exporter's own environment, {sys.prefix})"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package in which it stands
        return False


def _libraries(extra: str) -> list[str]:
    """What the extra brings, as pip takes it; empty where the package runs from its sources without being installed."""
    try:
        required = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    marker = re.compile(rf"""extra == ['"]{re.escape(extra)}['"]""")
    parts = [requirement.partition(";") for requirement in required]
    return [library.strip() for library, _, condition in parts if marker.fullmatch(condition.strip())]
