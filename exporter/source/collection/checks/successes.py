"""The bodies of what was taken: a single message, and a batch with an element for each of its messages."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from exporter.source.collection.checks.answers import about
from exporter.source.collection.plane import Inlet
from exporter.source.collection.stamps import Stamp


def taken_single(inlet_id: str, stamp: Stamp, sync: bytes) -> bytes:
    """The body for a single message. ``sync`` is what stands behind it of a synchronous validation, or empty."""
    return f'{{"inletId":"{inlet_id}","xactionId":"{stamp.name}","receivedTimeMs":{stamp.ms}'.encode() + sync + b"}"


def batch(inlet_id: str, stamp: Stamp, elements: Sequence[bytes]) -> bytes:
    """The body for a batch."""
    head = f'{{"inletId":"{inlet_id}","batchId":"{stamp.name}","receivedTimeMs":{stamp.ms},"responses":['
    return head.encode() + b",".join(elements) + b"]}"


def element_begin(batch_id: str) -> bytes:
    """What all elements of messages that were taken begin with."""
    return b'{"xactionId":"%b:' % batch_id.encode()


def taken_element(begin: bytes, index: int) -> bytes:
    """The element of a message that was taken. It never has a status: clients take any status for a failure."""
    return b'%b%d"}' % (begin, index)


def refused_element(inlet: Inlet, batch_id: str, index: int, text: str, status: int = 400) -> bytes:
    """The element of a message that was refused.

    Clients take the text behind the last dash of ``xactionId`` for the index, and read either of the two statuses.
    """
    return orjson.dumps(
        {
            "xactionId": f"{batch_id}-{index}",
            "status": status,
            "statusCode": status,
            "message": about(inlet.id, inlet.org_id, text),
        }
    )
