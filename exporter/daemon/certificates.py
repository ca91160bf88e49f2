"""Whether the certificates of destinations can be used as they are on the disk now. All of this reads files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporter.delivery.tls import TlsFileProblem, TlsFilesUnusable, client_context
from exporter.settings.delivery import Tls
from exporter.settings.destination import Destination
from exporter.settings.regular_file import TLS_BYTES, read_regular
from exporter.settings.tls_sections import tls_sections


def unusable(destinations: Iterable[Destination]) -> list[str]:
    """Why these could not start, as while a certificate was renewed and its key was not yet."""
    return [
        f"{destination.name}: {problem.file}: {problem.reason}"
        for destination in destinations
        for problem in dict.fromkeys(_problems(destination))
    ]


def refuse_odd_files(destination: Destination) -> None:
    """What reads certificates for good would wait for ever for a pipe that was put in their place.

    Raises:
        TlsFilesUnusable: a file is none that can be read to its end.
    """
    for tls in tls_sections(destination):
        for problem in _odd(tls):
            raise TlsFilesUnusable(problem)


def _problems(destination: Destination) -> Iterator[TlsFileProblem]:
    for tls in tls_sections(destination):
        odd = list(_odd(tls))
        yield from odd
        if odd or not tls.files:
            continue
        found = client_context(
            ca_file=tls.ca_file, client_cert_file=tls.client_cert_file, client_key_file=tls.client_key_file
        )
        if isinstance(found, TlsFileProblem):
            yield found


def _odd(tls: Tls) -> Iterator[TlsFileProblem]:
    for file in tls.files.values():
        try:
            read_regular(file, TLS_BYTES)
        except OSError as error:
            yield TlsFileProblem(file, (error.strerror or "unknown error").lower())
