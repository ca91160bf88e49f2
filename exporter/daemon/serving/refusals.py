"""Why a serving process does not start."""

from __future__ import annotations


class CannotServe(Exception):
    """The data plane cannot be opened; the text says why."""
