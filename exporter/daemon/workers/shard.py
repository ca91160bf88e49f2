"""The share of the destinations that a process runs when several processes share a configuration."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.settings.local_socket import of_share
from exporter.settings.tree import Settings

#: Plain digits, which is stricter than Python's numbers; no more digits than the number of a port has.
_WRITTEN = re.compile("([0-9]{1,5})/([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Share ``number`` (from 1) of ``count``.

    A destination belongs to exactly one shard, and all processes agree on the shard, since all hash the same names.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard | None:
        """``2/4`` as a shard; None for any other text."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            return None
        number, count = int(match[1]), int(match[2])
        return cls(number, count) if 1 <= number <= count else None

    def owned(self, names: Iterable[str]) -> frozenset[str]:
        """The names that belong to the shard.

        Rendezvous hashing with bounded loads: a name ranks the shards by its hash with each, and goes to the first
        shard that is not full yet. So shards differ by one destination at most, a new name moves few names, and a new
        count moves about as many as the new shards need.
        """
        ordered = sorted(names, key=_hash)
        fair, left_over = divmod(len(ordered), self.count)
        loads: list[list[str]] = [[] for _ in range(self.count)]
        for name in ordered:
            place = min(
                (shard for shard in range(self.count) if len(loads[shard]) < fair + (left_over > 0)),
                key=lambda shard: _hash(f"{name}/{shard + 1}"),
            )
            left_over -= len(loads[place]) == fair
            loads[place].append(name)
        return frozenset(loads[self.number - 1])

    def of(self, settings: Settings, *, sharing_memory: bool = False) -> Settings:
        """The settings of the shard's process: the other destinations keep their position, but do not run here.

        The ops port is the configured port plus the shard's number; 0 stays 0. ``sharing_memory``: all shards together
        have the configured ``memory``, since the shards are one daemon on one machine; otherwise each shard has as
        much.
        """
        owned = self.owned(destination.name for destination in settings.running)
        destinations = tuple(
            destination if destination.name in owned else destination.model_copy(update={"enabled": False})
            for destination in settings.destinations
        )
        port = settings.ops.port and settings.ops.port + self.number
        ops = settings.ops.model_copy(update={"port": port})
        memory = max(1, settings.memory // self.count) if sharing_memory else settings.memory
        return settings.model_copy(update={"destinations": destinations, "ops": ops, "memory": memory})

    def sockets(self, whole: Iterable[Path]) -> Sequence[Path]:
        """The sockets of the shard's process, beside those of a process that runs the ``whole`` configuration."""
        return [of_share(path, self.number, self.count) for path in whole]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
