"""By which key a bad record goes back into the intake: as it stood there, as far as the configuration still says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from exporter.profile.paths import parse_path
from exporter.source.collection.checks.lane_key import lane_key
from exporter.source.collection.checks.messages import Message, read_message
from exporter.source.collection.plane import Inlet
from exporter.source.collection.taken import TakenRecord, UnreadableRecord
from exporter.source.settings.declared import SourceSettings
from exporter.state.bad_record import BadRecord


def lane_key_of(sources: Sequence[SourceSettings]) -> Callable[[BadRecord], str]:
    """The key of a record: its inlet, or where its source has a path for keys, what stands there in the record."""
    paths = {source.name: parse_path(source.key) for source in sources if source.key is not None}

    def key_of(record: BadRecord) -> str:
        path = paths.get(record.source)
        if path is None:
            return record.inlet
        try:
            body = msgspec.json.decode(TakenRecord.from_bytes(record.message).body)
        except (UnreadableRecord, msgspec.DecodeError):
            return record.inlet
        # Whose organisation it is was judged when the record was taken.
        org_id = header.get("imsOrgId", "") if isinstance(header := _header(body), dict) else ""
        read = read_message(body, org_id)
        inlet = Inlet(record.inlet, record.source, org_id, key=path)
        return lane_key(read.record, inlet) if isinstance(read, Message) else record.inlet

    return key_of


def _header(body: object) -> object:
    return body.get("header") if isinstance(body, dict) else None
