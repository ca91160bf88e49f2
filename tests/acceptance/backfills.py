"""A segment that a running destination newly maps, and ``serve`` killed while its members are told."""

from __future__ import annotations

import signal

from endpoints import Receiver
from harness import Place
from processes import Daemon, eventually
from serving import ATTRIBUTES, backfilled, connected, in_segment, post, serve, settled


def killed_within(place: Place, profiles: int, told: int) -> tuple[Receiver, Daemon]:
    """Let so many ``profiles`` be in a segment that is mapped later; ``serve`` is killed once ``told`` have arrived.

    ``place`` has a way in. Returns the receiver, and the daemon, which goes on.
    """
    receiver = place.receiver()
    destination = place.destination("crm", receiver.url, segments=["early"], attributes=ATTRIBUTES)
    place.write()
    serving, daemon = serve(place).ready(), place.daemon().ready()
    with connected(place) as connection:
        for number in range(profiles):
            assert post(connection, in_segment(number, 1, "late"))[0] == 200
    settled(place, serving, "crm")
    assert receiver.delivered() == 0
    destination["segments"] = ["early", "late"]
    place.write()
    daemon.send(signal.SIGHUP)
    eventually("some are told", lambda: serving.alive() and receiver.delivered() >= told)
    serving.kill()
    return receiver, daemon


def gone_on(place: Place, profiles: int) -> Daemon:
    """Start ``serve`` again, post a newer state of every tenth profile meanwhile, and wait for the backfill's end."""
    serving = serve(place).ready()
    with connected(place) as connection:
        for number in range(0, profiles, 10):
            assert post(connection, in_segment(number, 2, "late"))[0] == 200
    eventually("the backfill is through", lambda: serving.alive() and backfilled(serving, profiles))
    settled(place, serving, "crm")
    return serving
