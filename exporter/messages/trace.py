"""The trace that an event stands in, on its way from the queue to the request (W3C Trace Context). Pure."""

from __future__ import annotations

import msgspec


class Trace(msgspec.Struct, frozen=True, gc=False):
    """The values of ``traceparent`` and ``tracestate`` as they came; who continues the trace judges both.

    ``state`` is empty where there is no ``tracestate``.
    """

    parent: str
    state: str = ""

    @classmethod
    def of_headers(cls, parent: bytes | None, state: bytes | None) -> Trace | None:
        """The trace in the values of two headers of a record; None where ``parent`` is missing or empty."""
        return cls(parent.decode("latin-1"), (state or b"").decode("latin-1")) if parent else None
