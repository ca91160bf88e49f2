"""The bodies of what was taken: a single message, and a batch with an element for each of its messages."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from exporter.source.collection.checks.answers import about
from exporter.source.collection.checks.collected import Refused
from exporter.source.collection.plane import Inlet
from exporter.source.collection.stamp import Stamp


def taken_single(inlet_id: str, stamp: Stamp, sync: bytes) -> bytes:
    """The body for a single message. ``sync`` is what stands behind it of a synchronous validation, or empty."""
    return f'{{"inletId":"{inlet_id}","xactionId":"{stamp.name}","receivedTimeMs":{stamp.ms}'.encode() + sync + b"}"


def batch(inlet: Inlet, stamp: Stamp, count: int, refused: Sequence[Refused] = ()) -> bytes:
    """The body for a batch of ``count`` messages, of which ``refused`` are refused.

    The element of a message that was taken never has a status: clients take any status for a failure.
    """
    elements = [f'{{"xactionId":"{stamp.name}:{index}"}}' for index in range(count)]
    for each in refused:
        elements[each.index] = _refused(inlet, each)
    head = f'{{"inletId":"{inlet.id}","batchId":"{stamp.name}","receivedTimeMs":{stamp.ms},"responses":['
    return f"{head}{','.join(elements)}]}}".encode()


def _refused(inlet: Inlet, refused: Refused) -> str:
    """The element of a message that was refused.

    Clients take the text behind the last dash of ``xactionId`` for the index, and read either of the two statuses.
    """
    return orjson.dumps(
        {
            "xactionId": f"{refused.batch_id}-{refused.index}",
            "status": refused.status,
            "statusCode": refused.status,
            "message": about(inlet.id, inlet.org_id, refused.reason),
        }
    ).decode()
