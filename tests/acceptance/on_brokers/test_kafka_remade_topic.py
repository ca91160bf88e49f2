"""A topic that is deleted and made anew below dead letters of the old one: every event of the new one is exported."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from brokers import KafkaBroker, Kind
from events import Source
from harness import Place
from judging import judged
from processes import PATIENCE_SECONDS, eventually

KIND: Kind = "kafka"


async def make_anew(section: dict[str, Any]) -> None:
    """Delete the topic, and make one of its name once it is gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=section["bootstrap_servers"])
    await admin.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await admin.delete_topics([section["topic"]])
            while True:
                answer = await admin.create_topics([NewTopic(section["topic"], 4, 1)])
                if answer.topic_errors[0][1] == 0:
                    break
                await asyncio.sleep(0.1)
    finally:
        await admin.close()


@pytest.mark.parametrize("running", [False, True], ids=["while nobody reads", "while it is read"])
def test_dead_letters_of_the_old_topic_are_taken_for_nobody_elses(
    tmp_path: Path, broker: KafkaBroker, running: bool
) -> None:
    section = broker.section()
    with Place(tmp_path, section) as place:
        receiver = place.receiver("--status", "422")
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.write()
        old, new = Source(profiles=20, prefix="old-"), Source(profiles=20, prefix="new-")
        place.publish(old.make(40))
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert len(place.dead_letters()) == 40
        if not running:
            assert daemon.terminate() == 0
        asyncio.run(make_anew(section))
        receiver.control(status=200)
        place.publish(new.make(40))
        if not running:
            daemon = place.daemon().ready()
        eventually("all is delivered", lambda: daemon.alive() and receiver.delivered() >= 40)
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))

        asked = place.lines("deadletters", "replay", "--all", "--superseded", "--json")[0]
        assert asked["asked"] == 40
        eventually("no letter is left", lambda: daemon.alive() and not place.dead_letters())
        assert daemon.terminate() == 0
        received = receiver.received()
        assert judged("crm", new.made, [each for each in received if "new-" in str(each.idempotency_key)]).sound
        replayed = {str(each.idempotency_key) for each in received if each.status == 200}
        assert {f"crm:{event.id}" for event in (*old.made, *new.made)} <= replayed
