"""Finds the trace in an event: its own field, else the extension of its CloudEvents envelope.

Apart from reading the event itself, so that nobody pays for the search where tracing is off.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from exporter.messages.trace import Trace
from exporter.profile.event.lone_surrogates import mended
from exporter.profile.event.shapes import ABSENT, TEXT, is_absent


class _Traced(msgspec.Struct):
    """Where an event, or the ``data`` of an envelope, has its trace; a wrong type is as good as nothing."""

    traceparent: msgspec.Raw = ABSENT
    tracestate: msgspec.Raw = ABSENT
    specversion: msgspec.Raw = ABSENT
    data: msgspec.Raw = ABSENT


_TRACED = msgspec.json.Decoder(_Traced)


def traces_in(body: bytes) -> Iterator[Trace]:
    """The traces that an event names, the event's own before the envelope's; neither is judged.

    Args:
        body: an event that ``read`` has read.
    """
    outer = _decoded(body)
    if not is_absent(outer.specversion):
        yield from _named(_decoded(bytes(outer.data)))
    yield from _named(outer)


def _decoded(body: bytes) -> _Traced:
    try:
        return _TRACED.decode(body)
    except msgspec.DecodeError:
        mend = mended(body)  # half a surrogate pair in a part that is not sent
        return _Traced() if mend is None else _decoded(mend.body)


def _named(traced: _Traced) -> Iterator[Trace]:
    if parent := _text(traced.traceparent):
        yield Trace(parent, _text(traced.tracestate))


def _text(raw: msgspec.Raw) -> str:
    try:
        return TEXT.decode(raw)
    except msgspec.DecodeError:
        return ""
