"""Whether the certificates of destinations are usable as the files are on the disk now; all functions read files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.settings.destination import Destination
from exporter.settings.tls_sections import tls_sections
from exporter.transport.tls.contexts import TlsFileProblem, TlsFilesUnusable, client_context


def unusable(destinations: Iterable[Destination]) -> list[str]:
    """Why destinations could not start, as while a certificate is renewed and the key is still old."""
    problem_of = cache(_problem)  # several destinations may name the same files, and a bundle is slow to read
    problems = {
        f"{destination.name}: {problem.file}: {problem.reason}": None
        for destination in destinations
        for tls in tls_sections(destination)
        if (problem := problem_of(tls.ca_file, tls.client_cert_file, tls.client_key_file)) is not None
    }
    return list(problems)


def refuse_odd_files(destination: Destination) -> None:
    """Refuse files that cannot be read to their end: reading a pipe in place of a certificate would wait for ever.

    Raises:
        TlsFilesUnusable: a file cannot be read to the end.
    """
    for tls in tls_sections(destination):
        if (problem := _odd(tls.files.values())) is not None:
            raise TlsFilesUnusable(problem)


def _problem(ca_file: Path | None, certificate: Path | None, key: Path | None) -> TlsFileProblem | None:
    named = [file for file in (ca_file, certificate, key) if file is not None]
    if not named:
        return None
    if (odd := _odd(named)) is not None:
        return odd
    found = client_context(ca_file=ca_file, client_cert_file=certificate, client_key_file=key)
    return found if isinstance(found, TlsFileProblem) else None


def _odd(files: Iterable[Path]) -> TlsFileProblem | None:
    for file in files:
        try:
            read_regular(file, TLS_BYTES)
        except OSError as error:
            return TlsFileProblem(file, (error.strerror or "unknown error").lower())
    return None
