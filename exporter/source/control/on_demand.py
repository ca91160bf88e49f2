"""Documents that are made when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

Source = TypeVar("Source")


class OnDemand(Sequence[dict[str, Any]], Generic[Source]):
    """Documents that are made of ``sources`` when they are looked at: a page needs a few of many."""

    def __init__(self, sources: Sequence[Source], document: Callable[[Source], dict[str, Any]]) -> None:
        self._sources = sources
        self._document = document

    def __len__(self) -> int:
        return len(self._sources)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[dict[str, Any]]: ...

    def __getitem__(self, place: int | slice) -> dict[str, Any] | Sequence[dict[str, Any]]:
        if isinstance(place, slice):
            return type(self)(self._sources[place], self._document)
        return self._document(self._sources[place])
