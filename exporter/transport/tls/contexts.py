"""Builds the TLS context of one destination from the files that ``tls`` names in its configuration."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

#: How a chain is verified, the same with every release of Python. Python 3.13 began to refuse certificates without
#: extensions that RFC 5280 wants, such as an authority's key identifier, which private authorities leave out: not here.
#: 3.13 also began to end a chain at an intermediate authority that is named as trusted, as the operator means it.
_VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


#: What clients of HTTP announce that they are going to speak (ALPN, RFC 7301).
HTTP = "http/1.1"


@dataclass(frozen=True, slots=True)
class TlsFileProblem:
    """A file that cannot be used, and why; fit for a log."""

    file: Path
    reason: str


class TlsFilesUnusable(Exception):
    """A file of ``tls`` cannot be used."""

    def __init__(self, problem: TlsFileProblem) -> None:
        super().__init__(f"{problem.file}: {problem.reason}")
        self.problem = problem


class TlsContexts:
    """The contexts for HTTP of a process: destinations without files of their own share a context.

    Making a context reads all authorities of the system: some 16 ms and a megabyte each time.
    """

    def __init__(self) -> None:
        self._plain: ssl.SSLContext | TlsFileProblem | None = None

    def of(
        self, *, ca_file: Path | None = None, client_cert_file: Path | None = None, client_key_file: Path | None = None
    ) -> ssl.SSLContext:
        """A context for these files; see ``client_context``.

        Raises:
            TlsFilesUnusable: a file cannot be read or used.
        """
        if ca_file is None and client_cert_file is None and client_key_file is None:
            context = self._plain = self._plain or client_context(protocol=HTTP)
        else:
            context = client_context(
                ca_file=ca_file,
                client_cert_file=client_cert_file,
                client_key_file=client_key_file,
                protocol=HTTP,
            )
        if isinstance(context, TlsFileProblem):
            raise TlsFilesUnusable(context)
        return context


def client_context(
    *,
    ca_file: Path | None = None,
    client_cert_file: Path | None = None,
    client_key_file: Path | None = None,
    protocol: str | None = None,
) -> ssl.SSLContext | TlsFileProblem:
    """A context that verifies the server's certificate and host name; TLS 1.2 or newer.

    To be used for every TLS connection, since Python's own defaults change from release to release.

    Args:
        ca_file: PEM; the only authorities to trust, in place of the system's.
        client_cert_file: PEM; the certificate to present, with its chain.
        client_key_file: PEM, not encrypted; the certificate's key, where not in the certificate's file.
        protocol: the ALPN name of the protocol that is going to be spoken; None: no ALPN, as brokers' clients do.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        return TlsFileProblem(ca_file or Path(), _reason(error, "no PEM certificate"))
    context.verify_flags = _VERIFY_FLAGS
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocol is not None:
        context.set_alpn_protocols([protocol])
    if client_cert_file is not None:
        try:
            # With a password at hand, OpenSSL does not ask for an encrypted key's on the terminal.
            context.load_cert_chain(client_cert_file, client_key_file, password="")
        except (OSError, ValueError) as error:
            return TlsFileProblem(*_culprit(client_cert_file, client_key_file, error))
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
