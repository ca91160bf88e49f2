"""The metrics of the way in, in ``exporter serve``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.telemetry.families.family import Family, by_name

#: No label takes a value that data can choose: ``source`` and ``flow`` are names of the configuration or given by API,
#: or ``unknown``.
SOURCE: Final[Mapping[str, Family]] = by_name(
    [
        Family(
            "exporter_source_requests",
            "counter",
            "requests",
            "Requests of the data plane, by source and status.",
            "what senders are answered",
            "`code` is the status. Where no inlet was found, `source` is `unknown`.",
            {"source": (), "code": ()},
        ),
        Family(
            "exporter_source_records",
            "counter",
            "records",
            "Records, by flow and by what became of them.",
            "how many come in, and whether they are good",
            "All are `taken`, and of those `applied`, `unchanged` (no event came of it), `aside` (the dataset is none "
            "of profiles) or `bad`.",
            {"flow": (), "outcome": ("taken", "applied", "unchanged", "aside", "bad")},
        ),
        Family(
            "exporter_source_bytes",
            "counter",
            "bytes",
            "Bytes of request bodies, by source.",
            "a disk fills faster than the number of records explains",
            labels={"source": ()},
        ),
        Family(
            "exporter_source_ack_seconds",
            "histogram",
            "seconds",
            "From a request's head to its answer, in seconds.",
            "senders time out: the intake's disk or broker is slow, or memory is short",
        ),
        Family(
            "exporter_source_mapping_errors",
            "counter",
            "mappings",
            "Mappings that had no value for a record, by flow and reason.",
            "attributes are missing in profiles: a sender has changed its records",
            "`time`: it took too long; `too_large`: what it made was; `value`: its expression had an error.",
            {"flow": (), "reason": ("time", "too_large", "value")},
        ),
        Family(
            "exporter_source_identity_warnings",
            "counter",
            "identities",
            "Identities of good records that are worth a note, by flow and reason.",
            "people are not recognised",
            "`namespace`: neither declared nor built in; `primaries`: several, of which the first counts; `id`: "
            "something else in the place of one, left out. The log tells each once for each flow.",
            {"flow": (), "reason": ("primaries", "namespace", "id")},
        ),
        Family(
            "exporter_source_intake_records",
            "gauge",
            "records",
            "Records that are taken and not yet applied.",
            "whether applying keeps up",
        ),
        Family(
            "exporter_source_intake_oldest_seconds",
            "gauge",
            "seconds",
            "Age of the oldest of them, in seconds.",
            "first of all: it grows whatever the reason is for which records are not applied",
        ),
        Family(
            "exporter_source_profiles",
            "gauge",
            "profiles",
            "Profiles that are kept.",
            "how large the store becomes, and whether joins make fewer than there are people",
        ),
        Family(
            "exporter_source_identities",
            "gauge",
            "identities",
            "Identities that are known.",
            "beside `exporter_source_profiles`",
        ),
        Family(
            "exporter_source_joins",
            "counter",
            "profiles",
            "Profiles that were joined to another.",
            "it leaps: an identity is shared by many people",
        ),
        Family(
            "exporter_source_refused_links",
            "counter",
            "identities",
            "Identities that were not linked: one too many, or a second of a namespace.",
            "as above: beyond `profiles.max_identities`, or a second one of a namespace in `identities.unique`",
        ),
        Family(
            "exporter_source_events",
            "counter",
            "events",
            "Events that were put on the queue.",
            "how much there is to export",
        ),
        Family(
            "exporter_source_events_lost",
            "counter",
            "events",
            "Events that the queue did not take for their size: its limit was lowered.",
            "always: what it counts no partner is told",
        ),
        Family(
            "exporter_source_outbox_events",
            "gauge",
            "events",
            "Events that wait to be put on the queue.",
            "the queue is away or full; at `profiles.outbox_max` nothing more is applied",
        ),
        Family(
            "exporter_source_held_requests",
            "gauge",
            "requests",
            "Requests that wait for room in memory.",
            "senders wait: more comes in than `serve.memory` holds",
        ),
        Family(
            "exporter_source_bad_records",
            "gauge",
            "bad records",
            "Bad records that are kept, without refused elements of batches.",
            "whether any wait to be looked at, replayed or purged",
        ),
        Family(
            "exporter_source_bad_records_bytes",
            "gauge",
            "bytes",
            "What they take of bad_records_max_bytes.",
            "near `bad_records_max_bytes`: there the next bad record waits, and all behind it",
        ),
        Family(
            "exporter_source_clock_behind_seconds",
            "gauge",
            "seconds",
            "By how much the clock is behind the times that records get.",
            "the clock was set back; 0 where all is well ([clocks](source.md#operations))",
        ),
        Family(
            "exporter_source_backfill_done",
            "gauge",
            "profiles",
            "Profiles that backfills have told or skipped, by destination.",
            "how far a backfill is",
            labels={"destination": ()},
        ),
        Family(
            "exporter_source_backfill",
            "counter",
            "profiles",
            "Profiles of all backfills, by destination: what is left and what is done.",
            "beside `exporter_source_backfill_done`: equal where none is under way",
            labels={"destination": ()},
        ),
    ]
)
