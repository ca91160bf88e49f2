"""What a process has to show: a sheet is a template and what goes into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sheet somebody asks for.

    Attributes:
        path: such as ``/destinations/crm``, decoded.
        query: what the address has behind its ``?``, decoded; the last value of each name.
        signed_in: whether whoever asks has presented the token: else nothing is shown that ``/status`` does not say.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A template by its file's name, the values in it, and the title of the document."""

    template: str
    title: str
    values: Mapping[str, Any]


class Sheets(Protocol):
    """All sheets of a process."""

    @property
    def name(self) -> str:
        """What the process is, for the head of every page."""

    @property
    def gain(self) -> str:
        """What somebody gains who signs in: the end of a sentence."""

    async def sheet(self, asked: Asked) -> Sheet | None:
        """What is shown there now; None where nothing is."""
