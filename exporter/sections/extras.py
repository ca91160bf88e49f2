"""Which extra of the package is missing, where a kind of queue or state needs a client that is not installed."""

from __future__ import annotations

from importlib.util import find_spec


def missing_extra(extra: str, *modules: str) -> str | None:
    """A sentence that names what to install, or None where all ``modules`` can be found. Imports nothing."""
    if all(find_spec(module) is not None for module in modules):
        return None
    return f"this kind needs a client that is not installed: pip install 'exporter[{extra}]'"
