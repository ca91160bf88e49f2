"""Why a TLS handshake with a broker failed, and the remedy, in one sentence."""

from __future__ import annotations

import ssl
from typing import Final

from exporter.sections.printable import printable

# OpenSSL, include/openssl/x509_vfy.h
_UNKNOWN_AUTHORITY: Final = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME: Final = frozenset({62, 64})
_NOT_YET_VALID, _EXPIRED = 9, 10


def handshake_failure(error: ssl.SSLError, server: str) -> str:
    """OpenSSL's reason, and the remedy.

    Args:
        error: raised by the handshake, or by the first read after the handshake.
        server: the key of the configuration that names the server.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrusted(error, server)
    reason = error.reason or "no reason given"
    said = f"TLS failed: {printable(reason).lower().replace('_', ' ')}"
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")):
        return f"{said}; it wants a certificate of ours that it trusts: check `tls.client_cert_file`"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return f"{said}; does it speak TLS at all on the port in `{server}`?"
    return said


def _distrusted(error: ssl.SSLCertVerificationError, server: str) -> str:
    said = printable(error.verify_message).rstrip(".")
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return f"its certificate is not trusted: {said}; name its authority in `tls.ca_file`"
    if error.verify_code in _OTHER_NAME:
        return f"its certificate is for another server: {said}; name it in `{server}` as the certificate does"
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        return f"its certificate is out of date: {said}; renew it there, or set the clock here"
    return f"its certificate is not accepted: {said}"
