"""What is said of a TLS handshake that failed: what OpenSSL says, and what to do."""

from __future__ import annotations

import ssl

import pytest

from exporter.transport.tls.handshakes import handshake_failure


def distrust(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def failure(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "something")
    error.reason = reason  # type: ignore[assignment]
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            distrust(20, "unable to get local issuer certificate"),
            "its certificate is not trusted: unable to get local issuer certificate; name its authority",
        ),
        (distrust(18, "self-signed certificate"), "name its authority in `tls.ca_file`"),
        (
            distrust(62, "Hostname mismatch, certificate is not valid for 'a'."),
            "name it in `url` as the certificate does",
        ),
        (distrust(64, "IP address mismatch"), "its certificate is for another server: IP address mismatch; name it in"),
        (distrust(10, "certificate has expired"), "out of date: certificate has expired; renew it there"),
        (distrust(9, "certificate is not yet valid"), "or set the clock here"),
        (distrust(7, "certificate signature failure"), "not accepted: certificate signature failure"),
        (distrust(20, "a\nb\x1b[31m"), r"not trusted: a\nb\x1b[31m; name"),
        (
            failure("TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "check `tls.client_cert_file`",
        ),
        (failure("TLSV1_ALERT_UNKNOWN_CA"), "check `tls.client_cert_file`"),
        (failure("SSLV3_ALERT_HANDSHAKE_FAILURE"), "check `tls.client_cert_file`"),
        (
            failure("WRONG_VERSION_NUMBER"),
            "wrong version number; does it speak TLS at all",
        ),
        (failure("TLSV1_ALERT_PROTOCOL_VERSION"), "TLS failed: tlsv1 alert protocol version"),
        (failure(None), "TLS failed: no reason given"),
    ],
)
def test_each_failure_has_its_remedy(error: ssl.SSLError, said: str) -> None:
    found = handshake_failure(error, "url")
    assert said in found
    assert found.isprintable()
