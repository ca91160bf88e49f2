"""One exposition of several, so that Prometheus finds all workers behind one port."""

from __future__ import annotations

from collections.abc import Iterable


def merged(expositions: Iterable[bytes]) -> bytes:
    """Expositions in Prometheus' text format as one; each family's lines stand together, as the format demands.

    No series is in two of them: all carry ``destination``, and a destination runs in one worker, or else ``shard``,
    but for the parent's own.
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
