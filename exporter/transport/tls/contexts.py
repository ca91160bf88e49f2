"""Builds the TLS context of one destination from the files that ``tls`` names in its configuration."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.sections.tls import Tls

#: How a chain is verified, the same with every release of Python. Python 3.13 began to refuse certificates without
#: extensions that RFC 5280 wants, such as an authority's key identifier, which private authorities leave out: not here.
#: 3.13 also began to end a chain at an intermediate authority that is named as trusted, as the operator means it.
_VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
#: What clients of HTTP announce that they are going to speak (ALPN, RFC 7301).
HTTP = "http/1.1"


class TlsFilesUnusable(Exception):
    """A file of ``tls`` cannot be used, for a ``reason`` in words; the text is fit for a log."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class TlsContexts:
    """The contexts for HTTP of a process: destinations without files of their own share a context.

    Making a context reads all authorities of the system: some 16 ms and a megabyte each time.
    """

    def __init__(self) -> None:
        self._plain: ssl.SSLContext | None = None

    def of(self, tls: Tls) -> ssl.SSLContext:
        """A context for the files of ``tls``; raises as ``client_context``."""
        if tls.files:
            return client_context(tls, HTTP)
        self._plain = self._plain or client_context(tls, HTTP)
        return self._plain


def client_context(tls: Tls, protocol: str | None = None) -> ssl.SSLContext:
    """A context that verifies the server's certificate and host name; TLS 1.2 or newer.

    To be used for every TLS connection, since Python's own defaults change from release to release.

    Args:
        tls: the authorities to trust and the certificate to present, read from the files now.
        protocol: the ALPN name of the protocol that is going to be spoken; None: no ALPN, as brokers' clients do.

    Raises:
        TlsFilesUnusable: a file cannot be read or used.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ValueError) as error:
        raise TlsFilesUnusable(tls.ca_file or Path(), _reason(error, "no PEM certificate")) from None
    context.verify_flags = _VERIFY_FLAGS
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    if tls.client_cert_file is not None:
        try:
            # With a password at hand, OpenSSL does not ask for an encrypted key's on the terminal.
            context.load_cert_chain(tls.client_cert_file, tls.client_key_file, password="")
        except (OSError, ValueError) as error:
            raise TlsFilesUnusable(*_culprit(tls.client_cert_file, tls.client_key_file, error)) from None
    return context


def _culprit(certificate: Path, key: Path | None, error: Exception) -> tuple[Path, str]:
    if key is not None:
        try:
            key.stat()
        except OSError as hidden:
            return key, _reason(hidden, "it cannot be read")
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return key or certificate, "the key does not belong to the certificate"
    return certificate, _reason(error, "no PEM certificate with an unencrypted key")


def _reason(error: Exception, what_is_wrong: str) -> str:
    """The operating system's words for a file that cannot be read; OpenSSL's words are of no help."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror.lower()
    return what_is_wrong
