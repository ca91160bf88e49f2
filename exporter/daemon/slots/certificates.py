"""Whether the certificates of destinations are usable as the files are on the disk now; all functions read files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.sections.section import values_of
from exporter.sections.tls import PemFiles, Tls
from exporter.settings.destination import Destination
from exporter.transport.tls.contexts import TlsFilesUnusable, client_context


def unusable(destinations: Iterable[Destination]) -> list[str]:
    """Why destinations could not start, as while a certificate is renewed and the key is still old."""
    problem_of = cache(_problem)  # several destinations may name the same files, and a bundle is slow to read
    problems = {
        f"{destination.name}: {problem}": None
        for destination in destinations
        for tls in values_of(Tls, destination)
        if (problem := problem_of(tls)) is not None
    }
    return list(problems)


def refuse_odd_files(section: Destination | PemFiles) -> None:
    """Refuse files that cannot be read to their end: reading a pipe in place of a certificate would wait for ever.

    Raises:
        TlsFilesUnusable: a file cannot be read to the end.
    """
    for file in (file for pem in values_of(PemFiles, section) for file in pem.files.values()):
        try:
            read_regular(file, TLS_BYTES)
        except OSError as error:
            raise TlsFilesUnusable(file, (error.strerror or "unknown error").lower()) from None


def _problem(tls: Tls) -> str | None:
    try:
        refuse_odd_files(tls)
        if tls.files:
            client_context(tls)
    except TlsFilesUnusable as error:
        return str(error)
    return None
