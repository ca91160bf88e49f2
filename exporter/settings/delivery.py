"""How a destination's requests are sent: limits, retries, TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, ByteSize, Field, WithJsonSchema, model_validator

from exporter.delivery.transport_kind import TransportKind
from exporter.settings.mistakes import mistake
from exporter.settings.section import Section

_DAY_SECONDS = 86_400.0
_BYTES = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}

Bytes = Annotated[ByteSize, Field(gt=0), WithJsonSchema(_BYTES)]
Seconds = Annotated[float, Field(ge=0, le=_DAY_SECONDS)]


def _readable(file: Path) -> Path:
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise mistake(f"the file cannot be read: {error.strerror or 'unknown error'}") from None


ReadableFile = Annotated[Path, AfterValidator(_readable)]


class Tls(Section):
    """Certificates; relative paths are relative to the file that names them."""

    ca_file: ReadableFile | None = Field(
        default=None, description="PEM with the authorities to trust instead of the system's."
    )
    client_cert_file: ReadableFile | None = Field(
        default=None, description="PEM with the certificate to present (mTLS), its chain behind it."
    )
    client_key_file: ReadableFile | None = Field(
        default=None, description="PEM with its key, unencrypted; null: it stands in client_cert_file."
    )

    @model_validator(mode="after")
    def _key_has_certificate(self) -> Self:
        if self.client_key_file is not None and self.client_cert_file is None:
            raise mistake("client_key_file needs client_cert_file")
        return self


class Window(Section):
    """How much of the queue one dataflow holds unsettled at a time."""

    events: int = Field(default=10_000, ge=1, le=10_000_000, description="Events; one profile may hold a quarter.")
    bytes: Bytes = Field(default=ByteSize(16 * 1024**2), description="Bytes of events.")


class Delivery(Section):
    """Limits of a destination's requests and what follows when they fail."""

    timeout: float = Field(default=10.0, gt=0, le=3600, description="Seconds for the whole exchange.")
    retries: tuple[Seconds, ...] = Field(
        default=(15.0, 30.0),
        min_length=1,
        max_length=100,
        description="Seconds before the 1st, the 2nd ... retry; as many retries as items, at least one.",
    )
    rate: float = Field(
        default=10_000.0, gt=0, le=10_000_000, description="Attempts a second of this process, at most in any second."
    )
    concurrency: int = Field(default=256, ge=1, le=100_000, description="Attempts in flight, at most; adapts below it.")
    transport: TransportKind = Field(
        default="auto", description="HTTP client: lean is the faster one; auto: lean, but aiohttp behind a proxy."
    )
    window: Window = Field(default=Window(), description="What is unsettled at a time.")
    retry_after_cap: Seconds = Field(default=3600.0, description="Seconds; a longer Retry-After is cut to it.")
    pause_after_rejections: int = Field(
        default=100, ge=0, description="Rejections in a row, without a 2xx between, that pause; 0: never."
    )
    dead_letters_max_bytes: Bytes = Field(
        default=ByteSize(1024**3), description="Room for dead letters; when it is full, the dataflow pauses."
    )
