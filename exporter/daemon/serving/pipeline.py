"""Puts a record's way together: what takes records, what applies them to profiles, and what tells the changes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from exporter.daemon.serving.in_force import InForce, prepared
from exporter.daemon.serving.parts import Opened
from exporter.daemon.serving.reports import Reports
from exporter.daemon.serving.sender_tokens import SenderTokens
from exporter.dataflow.dependencies import Clock
from exporter.sections.schedules import reach_delay
from exporter.settings.tree import Settings
from exporter.source.collection.intake import Intake
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import TakenRecord
from exporter.source.collection.taking import Taking
from exporter.source.control.objects.register import Register
from exporter.source.processing.examined import Bad, Chances, Good
from exporter.source.processing.examining import examine
from exporter.source.processing.letters import Letters
from exporter.source.processing.listeners import Listeners
from exporter.source.processing.processor import Processor
from exporter.source.processing.refusal import refused_alone
from exporter.source.processing.refused import RefusedElements
from exporter.source.processing.telling import Teller
from exporter.source.profiles.settings import rules_of
from exporter.source.records import Record


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts that a record passes, in that order, and what they share. Each part is yet to run.

    Attributes:
        opened: the stores and queues between the parts.
        in_force: by what records are taken and applied.
        register: the objects of the control plane, and their changes.
        tokens: makes the judges of senders, and knows what tokens of our own are made by.
        stamps: names and times of what is taken.
        taking: the data plane behind its listeners.
        refused: keeps elements of batches that are not taken.
        intake: keeps the records that are taken.
        processor: applies them to profiles.
        teller: tells what changed.
    """

    opened: Opened
    in_force: InForce
    register: Register
    tokens: SenderTokens
    stamps: Stamps
    taking: Taking
    refused: RefusedElements
    intake: Intake
    processor: Processor
    teller: Teller


async def pipeline_of(
    settings: Settings, opened: Opened, tokens: SenderTokens, now_ms: Callable[[], int], clock: Clock, reports: Reports
) -> Pipeline:
    """The parts by ``settings``; ``now_ms`` reads epoch milliseconds."""
    in_force = InForce(opened.compiled.catalogue, opened.compiled.plane)
    chances = Chances(os.urandom, clock.monotonic, time.thread_time)
    delay = reach_delay(random.uniform)
    records = opened.state.bad_records
    stamps = Stamps(now_ms, os.getpid(), opened.last_taken)
    rules = rules_of(settings.profiles, settings.identities)
    alone = partial(refused_alone, rules=rules, max_event_bytes=opened.max_event_bytes)
    refused = RefusedElements(records.remember_refused, in_force.source_of, clock.epoch, delay, reports.refused_lost)
    intake = Intake(opened.intake, settings.serve.hold, partial(_taken, in_force, reports))
    taking = Taking(
        in_force.plane,
        stamps,
        intake.keep,
        tokens.judge(settings.serve),
        clock.monotonic,
        validate=partial(_violations, in_force, chances, alone),
        refused=refused.note,
    )
    prepare = partial(prepared, opened.compiler, in_force, taking)
    register = Register(opened.objects, opened.state.made_objects, prepare, opened.revision, settings.serve.max_body)
    teller = Teller(opened.store, opened.queue, delay, reports.events_lost, reports.events_left_out)
    processor = Processor(
        opened.intake,
        opened.subscription,
        opened.store,
        Letters(records, settings.bad_records_max_bytes, in_force.source_of, clock.epoch),
        lambda: in_force.catalogue,
        chances,
        opened.max_event_bytes,
        settings.profiles.outbox_max,
        delay,
        Listeners(
            lambda flow, outcome, count: reports.metrics.became(in_force.name_of(flow), outcome, count),
            lambda flow, kinds: reports.metrics.mapping_failed(in_force.name_of(flow), kinds),
            reports.bug,
            teller.look,
            lambda flow, kinds: reports.warned(in_force.name_of(flow), kinds),
        ),
    )
    return Pipeline(opened, in_force, register, tokens, stamps, taking, refused, intake, processor, teller)


def _taken(in_force: InForce, reports: Reports, flows: Mapping[str, int]) -> None:
    for flow, count in flows.items():
        reports.metrics.became(in_force.name_of(flow), "taken", count)


def _violations(
    in_force: InForce, chances: Chances, alone: Callable[[Record], Bad | None], taken: TakenRecord, _: object
) -> list[dict[str, Any]] | None:
    """What synchronous validation answers; ``alone`` is why a record is refused whatever profile there is."""
    found = examine(taken, in_force.catalogue, chances)
    bad = alone(found.record) if isinstance(found, Good) else found
    return [violation.as_report() for violation in bad.told] if isinstance(bad, Bad) else None
