"""Whether the certificates of destinations can be used as they are on the disk now. All of this reads files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from exporter.sections.regular_file import TLS_BYTES, read_regular
from exporter.settings.destination import Destination
from exporter.settings.tls_sections import tls_sections
from exporter.transport.tls import TlsFileProblem, TlsFilesUnusable, client_context


def unusable(destinations: Iterable[Destination]) -> list[str]:
    """Why these could not start, as while a certificate was renewed and its key was not yet."""
    problem_of = cache(_problem)  # many may name the same files, and a bundle of authorities takes its time
    problems = {
        f"{destination.name}: {problem.file}: {problem.reason}": None
        for destination in destinations
        for tls in tls_sections(destination)
        if (problem := problem_of(tls.ca_file, tls.client_cert_file, tls.client_key_file)) is not None
    }
    return list(problems)


def refuse_odd_files(destination: Destination) -> None:
    """What reads certificates for good would wait for ever for a pipe that was put in their place.

    Raises:
        TlsFilesUnusable: a file is none that can be read to its end.
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
