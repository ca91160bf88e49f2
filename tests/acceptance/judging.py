"""Judges a run with the receiver's oracle: what was sent, what was recorded and what the dead letters hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from events import Sent

from exporter.receiver.oracle import Judgement, State, judge
from exporter.receiver.reception import Reception


def judged(
    destination: str, sent: Sequence[Sent], received: Iterable[Reception], letters: Iterable[Mapping[str, Any]] = ()
) -> Judgement:
    """What the oracle finds for one destination; events are known by their bodies, not by their keys.

    Raises AssertionError where a request has another key than its event's.
    """
    states = {event.id: State(event.profile, event.state) for event in sent}
    keys = {state: f"{destination}:{id_}" for id_, state in states.items()}

    def identify(reception: Reception) -> State | None:
        if not str(reception.idempotency_key).startswith(f"{destination}:"):
            return None
        crm = orjson.loads(reception.body)["crm"]
        state = State(crm["profile"], crm["state"])
        assert reception.idempotency_key == keys[state]
        return state

    dead = [states[letter["event"]] for letter in letters if letter["destination"] == destination]
    return judge(states.values(), received, dead, identify=identify)
