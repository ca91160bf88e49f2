"""A request between its checks and its answer."""

from __future__ import annotations

import msgspec

from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.collected import Collected
from exporter.source.collection.intake import Pending
from exporter.source.collection.stamp import Stamp


class Keeping(msgspec.Struct, frozen=True):
    """A request whose records are on their way into the intake."""

    request: Admitted
    stamp: Stamp
    collected: Collected
    outcome: Pending
