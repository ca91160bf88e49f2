"""Why a serving process does not start."""

from __future__ import annotations


class CannotServe(Exception):
    """The text says why, and what to do."""
