"""Sections that name files of certificates, and the section ``tls`` of any connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from exporter.sections.mistakes import Mistake, mistake, mistakes
from exporter.sections.paths import FilePath
from exporter.sections.regular_file import TLS_BYTES, Stamp, read_regular
from exporter.sections.section import Section


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
    """A file's content. Equal by the digest alone: a file that was only touched is no change of the configuration."""

    digest: bytes
    stamp: Stamp = field(compare=False)


class PemFiles(Section):
    """A section with keys that name a file of certificates or keys, or are null.

    Equal where paths and contents when read are equal, since certificates are renewed in place.
    """

    _reads_anew: ClassVar[bool] = False
    _contents: dict[Path, _Content] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _note_content(self) -> Self:
        if not self._reads_anew:
            for key, file in self.files.items():
                try:
                    read = read_regular(file, TLS_BYTES)
                except OSError as error:  # the file went just now
                    raise mistakes([Mistake((key,), _unreadable(error))]) from None
                self._contents[file] = _Content(sha256(read.content).digest(), read.stamp)
        return self

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that are named, by key."""
        named = {key: getattr(self, key) for key in type(self).model_fields}
        return {key: file for key, file in named.items() if isinstance(file, Path)}

    @property
    def stamps(self) -> Mapping[Path, Stamp]:
        """The stamps of the files when read; none where a change of a file is no change of the configuration."""
        return {file: content.stamp for file, content in self._contents.items()}


class Tls(PemFiles):
    """The certificates of a connection."""

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


class TlsReadAnew(Tls):
    """Certificates that are read for every connection, so that new certificates in the same files need no reload."""

    _reads_anew = True
