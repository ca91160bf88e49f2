"""Why a serving process does not start."""

from __future__ import annotations


class CannotServe(Exception):
    """The data plane cannot be opened; the text says why."""


class StoresDoNotFit(Exception):
    """Intake and profile store do not belong together; the text says why, and what to do."""
