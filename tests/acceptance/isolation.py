"""Endpoints that never answer cost their neighbours nothing, on whichever transport (contract.md#guarantees, 4)."""

from __future__ import annotations

from events import Source
from harness import Place
from judging import judged
from processes import eventually

TRANSPORTS = ("lean", "aiohttp")
EVENTS = 1_000


def nine_deliver_all_beside_two_that_never_answer(place: Place) -> None:
    """Nine destinations of both transports, one mute one of each. Raises AssertionError."""
    receiver, mute = place.receiver(), place.mute()
    healthy = [f"healthy-{number}" for number in range(9)]
    mutes = [f"mute-{transport}" for transport in TRANSPORTS]
    for number, name in enumerate(healthy):
        place.destination(name, receiver.url, delivery={"transport": TRANSPORTS[number % 2]})
    for transport, name in zip(TRANSPORTS, mutes, strict=True):
        place.destination(name, mute.url, delivery={"timeout": 60, "transport": transport})
    place.write()
    source = Source(profiles=50)
    place.publish(source.make(EVENTS))
    daemon = place.daemon().ready()
    eventually("the nine have delivered all", lambda: daemon.alive() and place.settled(*healthy))
    assert mute.connections > 0
    for name in mutes:
        assert daemon.metric("exporter_in_flight", name) > 0
    received = receiver.received()
    for name in healthy:
        judgement = judged(name, source.made, received)
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.duplicates) == (EVENTS, 0)
    assert {name: place.lag(name) for name in mutes} == dict.fromkeys(mutes, EVENTS)
