"""Merging of expositions, so that Prometheus finds all workers behind a single port."""

from __future__ import annotations

from collections.abc import Iterable


def merged(expositions: Iterable[bytes]) -> bytes:
    """Expositions in Prometheus' text format as one text; the lines of a family stand together, as the format demands.

    No series is in two expositions: a worker's series carry ``destination``, which runs in one worker only, or
    ``shard``; the parent's series carry neither.
    """
    families: dict[bytes, list[bytes]] = {}
    for exposition in expositions:
        family = families.setdefault(b"", [])
        for line in exposition.splitlines(keepends=True):
            if line.startswith(b"# HELP "):
                family = families.setdefault(line, [])
            elif not line.startswith(b"# TYPE ") or not family:
                family.append(line)
    return b"".join(head + b"".join(lines) for head, lines in families.items())
