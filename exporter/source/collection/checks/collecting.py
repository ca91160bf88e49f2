"""From the body of an admitted request to its answer, and the records that must be kept before the answer goes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporter.source.collection.checks.admission import Admitted, too_large
from exporter.source.collection.checks.answers import INVALID, Answer, about, invalid, problem
from exporter.source.collection.checks.collected import Collected, Keyed, Refused
from exporter.source.collection.checks.envelope import messages_of
from exporter.source.collection.checks.flows import Way, way_of
from exporter.source.collection.checks.inflation import Unfit, inflate
from exporter.source.collection.checks.json_text import NoJson, are_headless, decoded, is_headless
from exporter.source.collection.checks.lane_key import lane_key
from exporter.source.collection.checks.messages import Message, read_message
from exporter.source.collection.checks.successes import batch, taken_single
from exporter.source.collection.plane import Flow
from exporter.source.collection.stamp import Stamp
from exporter.source.collection.taken import Form, TakenRecord

#: Maps and validates a record at once: its violations, none of them where all is well. Also gets the decoded message.
Validate = Callable[[TakenRecord, Mapping[str, Any]], Sequence[Mapping[str, Any]] | None]

#: More messages than that in a megabyte are no profile data, and their answers would be many times as long.
MAX_MESSAGES = 20_000


def collect(
    request: Admitted, body: bytes, stamp: Stamp, validate: Validate, *, authenticated: bool = False
) -> Collected:
    """What becomes of a request. Pure: any bytes end in a value.

    Args:
        request: its head.
        body: its body as it came.
        stamp: the moment, and the request's name.
        validate: called where the request asks for a synchronous validation.
        authenticated: whether its token was found to be good.
    """
    inlet, plane = request.inlet, request.plane
    if request.encoding != "identity":
        plain = inflate(body, request.encoding, plane.max_body)
        if plain is Unfit.TOO_LARGE:
            return Collected(too_large(plane, inlet, request.headers))
        if plain is Unfit.BROKEN:
            return _refused(request, f"Message is not whole in the encoding {request.encoding}")
        body = plain
    if request.batch:
        return _batch(request, body, stamp, authenticated=authenticated)
    found = _record(request, body, stamp.name, stamp.ms, authenticated)
    if isinstance(found, str):
        return _refused(request, found)
    if request.sync and (violations := validate(found.record, decoded(body))):
        return _refused(request, INVALID, violations)
    sync = b"" if request.sync is None else _PASS if request.sync else _SKIPPED
    answer = Answer(200, taken_single(inlet.id, stamp, sync), request.headers, source=inlet.source)
    return Collected(answer, (found,))


def _batch(request: Admitted, body: bytes, stamp: Stamp, *, authenticated: bool) -> Collected:
    inlet = request.inlet
    messages = messages_of(body)
    if isinstance(messages, NoJson):
        return _refused(request, messages.reason)
    if len(messages) > MAX_MESSAGES:
        words = about(inlet.id, inlet.org_id, f"The batch has more than {MAX_MESSAGES} messages")
        return Collected(problem(413, words, headers=request.headers, source=inlet.source))
    name, ms = stamp.name, stamp.ms
    mapped = _mapped(request)
    if mapped is not None and are_headless(body, messages):
        key, flow, dataset = inlet.id, mapped.id, mapped.dataset
        records = [
            Keyed(key, TakenRecord(f"{name}:{index}", ms, key, flow, dataset, Form.RAW, text, authenticated))
            for index, text in enumerate(messages)
        ]
        answer = Answer(207, batch(inlet, stamp, len(messages)), request.headers, source=inlet.source)
        return Collected(answer, tuple(records), kept=range(len(messages)))
    records, kept = [], []
    refused: list[Refused] = []
    for index, text in enumerate(messages):
        found = _record(request, text, f"{name}:{index}", ms, authenticated)
        if isinstance(found, str):
            refused.append(Refused(name, index, ms, inlet.id, text, found))
        else:
            records.append(found)
            kept.append(index)
    answer = Answer(207, batch(inlet, stamp, len(messages), refused), request.headers, source=inlet.source)
    return Collected(answer, tuple(records), tuple(refused), tuple(kept))


def _record(request: Admitted, text: bytes, name: str, ms: int, authenticated: bool) -> Keyed | str:
    """The record of a message, or why there is none."""
    inlet = request.inlet
    mapped = _mapped(request)
    if mapped is not None and is_headless(text):
        record = TakenRecord(name, ms, inlet.id, mapped.id, mapped.dataset, Form.RAW, text, authenticated)
        return Keyed(inlet.id, record)
    message = decoded(text)
    if isinstance(message, NoJson):
        return message.reason
    read = read_message(message, inlet.org_id)
    if not isinstance(read, Message):
        return read
    way = way_of(read, inlet, request.flow, request.dataset)
    if not isinstance(way, Way):
        return way
    flow = "" if way.flow is None else way.flow.id
    key = lane_key(read.record, inlet) if inlet.key else inlet.id
    return Keyed(key, TakenRecord(name, ms, inlet.id, flow, way.dataset, read.form, text, authenticated))


def _mapped(request: Admitted) -> Flow | None:
    """The flow that each message without a header takes, where that is the same for all: what most senders send."""
    return None if request.flow or request.inlet.key else request.inlet.mapped


def _refused(request: Admitted, text: str, violations: Sequence[Mapping[str, Any]] | None = None) -> Collected:
    answer = invalid(request.inlet, text, violations)
    if request.headers:
        answer = Answer(answer.status, answer.body, request.headers, source=answer.source)
    return Collected(answer)


_PASS = b',"syncValidation":{"status":"pass"}'
_SKIPPED = b',"syncValidation":{"skipped":true}'
