"""Finds references that lead back to themselves without a step into the value: no value could be checked by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from exporter.source.xdm.validation.nodes import Combined, Node, Not, Reference

_MOST_REFERENCES = 100


def endless(nodes: Mapping[str, Node]) -> str | None:
    """The place of a node that is asked about a value again while that value is asked about at it; None without one.

    So is the place behind more than 100 references in a row.
    """
    free: set[str] = set()

    def returning(at: str, way: tuple[str, ...]) -> str | None:
        if at in way or len(way) > _MOST_REFERENCES:
            return at
        if at not in free:
            for to in _same_value(nodes[at]):
                if found := returning(to, (*way, at)):
                    return found
            free.add(at)
        return None

    return next((found for at in nodes if (found := returning(at, ()))), None)


def _same_value(node: Node) -> Iterator[str]:
    """The places to which references lead that are asked about the same value as ``node``."""
    for part in node.parts:
        match part:
            case Reference(to):
                yield to
            case Combined(nodes=inner):
                for each in inner:
                    yield from _same_value(each)
            case Not(each):
                yield from _same_value(each)
            case _:
                pass
