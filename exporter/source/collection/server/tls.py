"""The TLS context of the listener, from the files that ``serve.tls`` names."""

from __future__ import annotations

import ssl
from pathlib import Path

from exporter.transport.tls.contexts import HTTP, TlsFilesUnusable


def listener_context(certificate: Path, key: Path | None, client_authority: Path | None) -> ssl.SSLContext:
    """A context that presents ``certificate``; TLS 1.2 or newer.

    Args:
        certificate: PEM, its chain behind it.
        key: PEM of its key, unencrypted; None: it stands in ``certificate``.
        client_authority: PEM of the authorities of whose clients a certificate is demanded; None: of none.

    Raises:
        TlsFilesUnusable: a file cannot be read or used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([HTTP])
    # A client could demand new keys without end, each at our cost.
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        # With a password at hand, OpenSSL does not ask for an encrypted key's on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise TlsFilesUnusable(*_culprit(certificate, key, error)) from None
    if client_authority is not None:
        try:
            context.load_verify_locations(client_authority)
        except (OSError, ValueError) as error:
            raise TlsFilesUnusable(client_authority, _reason(error, "no PEM certificate")) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class RenewableContext:
    """A context whose certificate can be renewed while a listener uses it; who is connected stays so.

    ``context`` is the listener's. Whether clients must present a certificate stays as it was at first.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._current = context
        context.sni_callback = self._choose

    def renew(self, context: ssl.SSLContext) -> None:
        """Use ``context`` for every handshake that begins from now on."""
        self._current = context

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        # Called in every handshake, whether or not the client names a host.
        if self._current is not self.context:
            connection.context = self._current


def _culprit(certificate: Path, key: Path | None, error: Exception) -> tuple[Path, str]:
    if key is not None:
        try:
            key.stat()
        except OSError as hidden:
            return key, _reason(hidden, "it cannot be read")
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            return key, "the key does not belong to the certificate"
    return certificate, _reason(error, "no PEM certificate with an unencrypted key")


def _reason(error: Exception, what_is_wrong: str) -> str:
    """The operating system's words for a file that cannot be read; OpenSSL's words are of no help."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror.lower()
    return what_is_wrong
