"""The projector is asked first; whatever it leaves is read, decided and built as if there were none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flowing import event, flowing

from exporter.profile.decision import Excluded
from exporter.profile.native.projector import Projected
from exporter.queues.memory import open_memory

ANSWERS: dict[bytes, Projected | Excluded] = {
    event(1): ("p", "another", 1.5, b'{"person":{"version":11}}', ()),
    event(2): Excluded("not_a_member"),
    event(3): ("p", None, None, b'{"person":{"version":13}}', ["q"]),
}


async def test_its_answers_count_and_what_it_leaves_is_done_without_it(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def project(body: bytes) -> Projected | Excluded | None:
        asked.append(body)
        return ANSWERS.get(body)

    async with (
        open_memory(max_bytes=1 << 30, groups=["exporter.d"], warn=lambda _: None) as queue,
        flowing(queue, tmp_path, dependencies=lambda real: replace(real, project=project)) as flow,
    ):
        bodies = [event(1), event(2), event(3), event(4), b"", b"{"]
        await flow.publish(*bodies)
        await flow.settled()

    assert asked == bodies
    assert flow.endpoint.versions == [11, 13, 4]
    first, second, third = flow.endpoint.keys
    assert (first, third) == ("d:another", "d:e4")
    assert second.startswith(f"d:{queue.name}-")  # made, since the event has no id
    assert flow.count("exporter_events_excluded_total", reason="not_a_member") == 1
    assert flow.count("exporter_events_excluded_total", reason="tombstone") == 1
    assert flow.count("exporter_exports_total", outcome="dead_lettered") == 1
    assert flow.count("exporter_events_without_time_total", reason="absent") == 2
