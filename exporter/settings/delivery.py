"""How a destination's requests are sent: limits, retries, TLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, ByteSize, Field, PrivateAttr, WithJsonSchema, model_validator

from exporter.delivery.transport_kind import TransportKind
from exporter.settings.mistakes import Mistake, mistake, mistakes
from exporter.settings.paths import FilePath
from exporter.settings.regular_file import TLS_BYTES, Stamp, read_regular
from exporter.settings.section import Section

_DAY_SECONDS = 86_400.0
_BYTES = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}

Bytes = Annotated[ByteSize, Field(gt=0), WithJsonSchema(_BYTES)]
Seconds = Annotated[float, Field(ge=0, le=_DAY_SECONDS)]


def _unreadable(error: OSError) -> str:
    return f"the file cannot be read: {error.strerror or 'unknown error'}"


def _readable(file: Path) -> Path:
    try:
        read_regular(file, TLS_BYTES)
    except OSError as error:
        raise mistake(_unreadable(error)) from None
    return file


ReadableFile = Annotated[FilePath, AfterValidator(_readable)]


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file held. Equal by that alone: one that was only touched is no other configuration."""

    digest: bytes
    stamp: Stamp = field(compare=False)


class Tls(Section):
    """Certificates; relative paths are relative to the file that names them.

    Two are equal where their files are and also held the same when they were read: certificates are renewed in place.
    """

    _reads_anew: ClassVar[bool] = False
    _contents: dict[Path, _Content] = PrivateAttr(default_factory=dict)

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

    @model_validator(mode="after")
    def _note_content(self) -> Self:
        if not self._reads_anew:
            for key, file in self.files.items():
                try:
                    read = read_regular(file, TLS_BYTES)
                except OSError as error:  # it went just now
                    raise mistakes([Mistake((key,), _unreadable(error))]) from None
                self._contents[file] = _Content(sha256(read.content).digest(), read.stamp)
        return self

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that are named, by their keys."""
        named = {key: getattr(self, key) for key in ("ca_file", "client_cert_file", "client_key_file")}
        return {key: file for key, file in named.items() if file is not None}

    @property
    def stamps(self) -> Mapping[Path, Stamp]:
        """Its files, as they were when they were read; none where a change of them is no other configuration."""
        return {file: content.stamp for file, content in self._contents.items()}


class TlsReadAnew(Tls):
    """Certificates that are read for every connection, so that others in the same files need nothing."""

    _reads_anew = True


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
