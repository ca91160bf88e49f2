"""The section ``queue`` of the configuration for kind ``kafka``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.queues.kafka.commits import range_bytes
from exporter.queues.kafka.sasl import SaslSettings
from exporter.queues.port import COMMIT_SECONDS
from exporter.sections.extras import missing_extra
from exporter.sections.matching import Matching
from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.quantities import Duration, Size
from exporter.sections.section import Section
from exporter.sections.tls import Tls


def _servers(text: str) -> str:
    for server in text.split(","):
        host, colon, port = server.strip().rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise mistake("must be host:port, or several with commas between")
    return text


_TOPIC = "1 to 249 letters (A to Z), digits, dots, hyphens or underscores"


class KafkaSettings(Section):
    """A topic; one consumer group per destination, so that any number of exporters share the work."""

    kind: Literal["kafka"]
    bootstrap_servers: Annotated[str, AfterValidator(_servers)] = Field(
        "127.0.0.1:9092", description="Brokers to ask for the others: host:port, or several with commas between."
    )
    topic: Annotated[str, Matching("[A-Za-z0-9._-]{1,249}", _TOPIC)] = Field(
        "profile-changes", description="It must exist; it is never created."
    )
    group_prefix: str = Field(
        "exporter.", description="Stands before a destination's name in its group's name. Other groups are left alone."
    )
    client_id: str = Field("exporter", min_length=1, description="What the brokers call us in their logs and quotas.")
    tls: Tls | None = Field(None, description="Set, if only to {}, where the brokers speak TLS.")
    sasl: SaslSettings | None = Field(None, description="Where the brokers want to know who we are.")
    isolation_level: Literal["read_committed", "read_uncommitted"] = Field(
        "read_committed", description="read_uncommitted also exports what a transaction took back."
    )
    session_timeout: Annotated[float, Duration(least=1, most=1800)] = Field(
        10.0, description="After which the lanes of an exporter that fell silent go to others."
    )
    instance_id: str | None = Field(
        None,
        min_length=1,
        max_length=249,
        description="Static membership: a name of this process alone. A restart within session_timeout moves no lane.",
    )
    commit_interval: Annotated[float, Duration(least=0.005, most=60)] = Field(
        COMMIT_SECONDS, description="At most between settling and committing, per destination."
    )
    offset_metadata_max_bytes: int = Field(
        4096, ge=64, le=1024**2, description="As the brokers' offset.metadata.max.bytes; more room, fewer stalls."
    )
    fetch_max_bytes: Annotated[int, Size(least=1024)] = Field(
        256 * 1024, description="Read ahead per lane and destination. A larger event still comes."
    )
    id_headers: tuple[str, ...] = Field(
        ("ce_id", "id"),
        description="Record headers that hold the event's id where its body has none.",
    )

    @model_validator(mode="after")
    def _has_client(self) -> Self:
        missing = missing_extra("kafka", "aiokafka")
        if missing is not None:
            raise mistakes([Mistake(("kind",), missing)])
        return self

    @property
    def range_bytes(self) -> int:
        """Room for encoded ranges in an offset's metadata."""
        return range_bytes(self.offset_metadata_max_bytes)
