"""The assignment of lanes to members: even, and a lane changes hands only after the reader has released the lane.

Pure. Kafka's plain protocol takes every partition from every member at each rebalance. Here each member names the held
lanes on joining, and the leader gives no member a lane that another member holds, but asks the holder to release the
lane. The holder keeps reading the other lanes, lets exports in flight from the released lane finish, commits, and joins
again without the lane, which is free then (the idea of KIP-429, on a client that has only the plain protocol).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

#: The name under which all members offer this way of sharing; the number changes with the format of claims.
PROTOCOL = "exporter-release-1"


@dataclass(frozen=True, slots=True)
class Claim:
    """A member's word on joining: lanes held, lanes about to be released, and the generation of the last assignment.

    A claim of a lower generation is out of date where another member claims the same lane. ``badge`` is only shown.
    """

    generation: int = -1
    held: frozenset[int] = frozenset()
    leaving: frozenset[int] = frozenset()
    badge: str = ""

    def encode(self) -> bytes:
        """The claim as bytes for the wire."""
        said = {"generation": self.generation, "held": sorted(self.held), "leaving": sorted(self.leaving)}
        if self.badge:
            said["badge"] = self.badge
        return json.dumps(said, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, encoded: bytes | None) -> Claim:
        """The claim that ``encode`` wrote; an empty claim from anything else."""
        try:
            said = json.loads(encoded or b"")
            held, leaving = frozenset(map(int, said["held"])), frozenset(map(int, said["leaving"]))
            return cls(int(said["generation"]), held, leaving, str(said.get("badge", "")))
        except (ValueError, TypeError, KeyError):
            return cls()


class Share(NamedTuple):
    """A member's share: lanes to read, and held lanes to release. Both ascending."""

    lanes: tuple[int, ...]
    release: tuple[int, ...]


def encode_release(lanes: Collection[int]) -> bytes:
    """The lanes to release, as bytes for the wire."""
    return json.dumps(sorted(lanes), separators=(",", ":")).encode()


def decode_release(encoded: bytes | None) -> frozenset[int]:
    """The lanes that ``encode_release`` wrote; none from anything else."""
    try:
        return frozenset(map(int, json.loads(encoded or b"")))
    except (ValueError, TypeError):
        return frozenset()


def share(lanes: Collection[int], claims: Mapping[str, Claim]) -> dict[str, Share]:
    """Share ``lanes`` among the members that made ``claims``: evenly, with as few moves as that takes.

    A lane that is to move, or that is leaving already, is given to no member yet.
    """
    if not claims:
        return {}
    holders = _holders(lanes, claims)
    leaving = frozenset().union(*(claim.leaving for claim in claims.values()))
    held: dict[str, list[int]] = {member: [] for member in claims}
    for lane in sorted(holders.keys() - leaving):
        held[holders[lane]].append(lane)
    least, more = divmod(len(lanes), len(claims))
    order = sorted(claims, key=lambda member: (-len(held[member]), member))
    room = {member: least + (place < more) for place, member in enumerate(order)}
    free = sorted(set(lanes) - holders.keys() - leaving, reverse=True)
    shares: dict[str, Share] = {}
    for member in order:
        keep, release = held[member][: room[member]], held[member][room[member] :]
        fresh = [free.pop() for _ in range(min(len(free), room[member] - len(keep)))]
        shares[member] = Share(tuple(sorted(keep + fresh)), tuple(release))
    return shares


def _holders(lanes: Collection[int], claims: Mapping[str, Claim]) -> dict[int, str]:
    """The holder of each lane: of several members that claim a lane, the claim of the highest generation counts."""
    holders: dict[int, str] = {}
    wanted = frozenset(lanes)
    for member in sorted(claims, key=lambda member: (claims[member].generation, member)):
        holders.update(dict.fromkeys(claims[member].held & wanted, member))
    return holders
