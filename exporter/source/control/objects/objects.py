"""All objects of the control plane at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self

from exporter.source.control.objects.resource import Kind, Resource

_NONE: Final[Mapping[str, Resource]] = {}


class Objects:
    """A snapshot. Never changed: ``put`` and ``without`` make new ones, which share what is the same."""

    __slots__ = ("_kinds",)

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        kinds: dict[Kind, dict[str, Resource]] = {}
        for resource in resources:
            kinds.setdefault(resource.kind, {})[resource.id] = resource
        self._kinds: Mapping[Kind, Mapping[str, Resource]] = kinds

    def get(self, kind: Kind, name: str) -> Resource | None:
        """The object with that id."""
        return self._kinds.get(kind, _NONE).get(name)

    def all(self, kind: Kind) -> Sequence[Resource]:
        """The objects of a kind, in the order in which they came to be known: the configuration's first."""
        return tuple(self._kinds.get(kind, _NONE).values())

    def put(self, *resources: Resource) -> Self:
        """With these objects, in the place of those with their kind and id."""
        kinds = dict(self._kinds)
        for resource in resources:
            kinds[resource.kind] = {**kinds.get(resource.kind, _NONE), resource.id: resource}
        return self._made(kinds)

    def without(self, kind: Kind, name: str) -> Self:
        """Without one object, if it is there."""
        rest = {key: value for key, value in self._kinds.get(kind, _NONE).items() if key != name}
        return self._made({**self._kinds, kind: rest})

    def of_other_kinds(self, other: Self) -> Iterator[Resource]:
        """Its objects of those kinds of which ``other`` may have other ones."""
        for kind, resources in self._kinds.items():
            if other._kinds.get(kind) is not resources:
                yield from resources.values()

    def __iter__(self) -> Iterator[Resource]:
        for kind in self._kinds.values():
            yield from kind.values()

    def _made(self, kinds: Mapping[Kind, Mapping[str, Resource]]) -> Self:
        made = type(self)()
        made._kinds = kinds
        return made
