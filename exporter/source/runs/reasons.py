"""Why records fail, in the codes and words of the API."""

from __future__ import annotations

from typing import Final, NamedTuple


class Reason(NamedTuple):
    """A code, a sentence, and by which number of a batch such records are counted beside all that failed."""

    code: str
    words: str
    counted: str


_UNKNOWN: Final = Reason("PROFILE-1500-500", "An error of the exporter's own", "invalidRecordsUnknown")
REASONS: Final = {
    "mapping": Reason(
        "MAPPER-3700-400",
        "A value could not be mapped, and without it the record is not as its schema has it",
        "invalidRecordsMapper",
    ),
    "xdm": Reason(
        "INGEST-1212-400", "The record is not as its schema has it", "invalidRecordsStreamingValidation"
    ),
    "no_primary_identity": Reason(
        "PROFILE-1101-400", "The record has no primary identity", "invalidRecordsIdentity"
    ),
    "operation": Reason("PROFILE-1102-400", "The record's header asks for no known operation", "invalidRecordsProfile"),
    "dataset": Reason("PROFILE-1103-404", "The dataset is not there any more", "invalidRecordsProfile"),
    "flow_deleted": Reason("PROFILE-1104-404", "The flow is not there any more", "invalidRecordsProfile"),
    "too_large": Reason(
        "PROFILE-1105-413", "The event that the record makes would be too large", "invalidRecordsProfile"
    ),
}  # fmt: skip


def reason_of(outcome: str) -> Reason:
    """The reason that a record failed for."""
    return REASONS.get(outcome, _UNKNOWN)
