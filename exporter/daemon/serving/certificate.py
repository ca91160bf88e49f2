"""The certificate of the data plane, from the files of ``serve.tls``; all functions read files."""

from __future__ import annotations

import ssl

from exporter.daemon.serving.refusals import CertificateUnusable
from exporter.daemon.slots.certificates import refuse_odd_files
from exporter.source.collection.server.tls import RenewableContext, listener_context
from exporter.source.settings.serve import ServeTls
from exporter.transport.tls.contexts import TlsFilesUnusable


def context_of(section: ServeTls) -> ssl.SSLContext | None:
    """The context by ``section``, None for plain HTTP.

    Raises:
        TlsFilesUnusable: a file cannot be read or used.
    """
    if section.cert_file is None:
        return None
    refuse_odd_files(section)
    return listener_context(section.cert_file, section.key_file, section.client_ca_file)


def certificate_of(section: ServeTls) -> RenewableContext | None:
    """As ``context_of``, to begin with.

    Raises:
        CertificateUnusable: a file cannot be read or used.
    """
    try:
        context = context_of(section)
    except TlsFilesUnusable as error:
        raise CertificateUnusable(f"serve.tls: {error}") from error
    return None if context is None else RenewableContext(context)


def unusable_certificate(section: ServeTls) -> str | None:
    """Why nothing can be served by ``section`` as its files are now; None where that can be."""
    try:
        context_of(section)
    except TlsFilesUnusable as error:
        return f"serve.tls: {error}"
    return None
