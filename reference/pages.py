"""Every page that is made from the code: its name, its file below docs/, and the function that makes its text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.source.dataprep.listing import functions_page
from exporter.telemetry.families.page import metrics_page
from exporter.telemetry.status import status_schema
from reference.configuration import configuration_page
from reference.event_schema import event_schema
from reference.exit_codes import exit_codes_page
from reference.log_events import log_events_page
from reference.reasons import reasons_page
from reference.status import status_page


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its path below docs/, and what makes its text."""

    file: str
    text: Callable[[], str]


def _schema(made: Callable[[], dict[str, Any]]) -> Callable[[], str]:
    return lambda: json.dumps(made(), indent=2, ensure_ascii=False) + "\n"


PAGES: Final[Mapping[str, Page]] = {
    "configuration": Page("reference/configuration.md", configuration_page),
    "reasons": Page("reference/reasons.md", reasons_page),
    "log-events": Page("reference/log-events.md", log_events_page),
    "exit-codes": Page("reference/exit-codes.md", exit_codes_page),
    "status": Page("reference/status.md", status_page),
    "status-schema": Page("status.schema.json", _schema(status_schema)),
    "event-schema": Page("event.schema.json", _schema(event_schema)),
    "metrics": Page("metrics.md", metrics_page),
    "data-prep-functions": Page("data-prep-functions.md", functions_page),
}
