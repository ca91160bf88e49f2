"""The parser of answers, as lenient as aiohttp's, so that both transports read alike."""

from __future__ import annotations

from httptools import HttpResponseParser


class NoStatus(Exception):
    """A status below 100, which has no meaning (RFC 9110 §15): nothing that can be read follows."""


def response_parser(protocol: object) -> HttpResponseParser:
    """A parser that calls the methods of ``protocol`` by httptools' names."""
    parser = HttpResponseParser(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser
