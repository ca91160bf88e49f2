"""The section ``tls``: the certificates of a connection, whosever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from exporter.sections.mistakes import mistake
from exporter.sections.section import Section


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
