"""Custom headers and query parameters of a destination, in both notations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from exporter.sections.mistakes import Mistake, Steps, mistake, mistakes
from exporter.sections.operator_text import has_control_character

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

#: Headers that the exporter or HTTP itself sets; a second value would break requests or their meaning.
RESERVED = frozenset(
    {
        *("host", "content-length", "content-encoding", "transfer-encoding", "connection"),
        *("keep-alive", "proxy-connection", "proxy-authorization", "expect", "te", "trailer", "upgrade"),
        *("idempotency-key", "exporter-position"),
    }
)


@dataclass(frozen=True, slots=True)
class _Written:
    """A header as written; ``at`` and ``where`` tell the place."""

    at: Steps
    where: str
    name: str
    value: object


def _from_text(text: str) -> Iterator[_Written | Mistake]:
    """``x-team:growth,x-env:prod``: split at every comma, then at the first colon.

    Mistakes name a part by its number: a part of a secret value may look like a name.
    """
    for number, pair in enumerate(text.split(",") if text.strip() else (), start=1):
        name, colon, value = pair.partition(":")
        if colon:
            yield _Written((), f"part {number} between commas: ", name.strip(" \t"), value)
        else:
            reason = f"part {number} between commas has no colon; write headers as a mapping where a value has a comma"
            yield Mistake((), reason)


def _value_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return "a header's value must be text"
    if _CONTROL.search(value):
        return "a header's value must not contain CR, LF, NUL or another control character"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return "a header's value must consist of Latin-1 characters (RFC 9110 §5.5)"
    return None


def _name_problem(name: str) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "a header's name must be a token of RFC 9110 §5.6.2: letters, digits and !#$%&'*+-.^_`|~"
    if name.lower() in RESERVED:
        return "this header belongs to HTTP or to the exporter and cannot be set"
    return None


def read_headers(value: object) -> dict[str, str]:
    """Headers from a mapping or from ``name:value,name:value``; the case of names stays.

    Raises:
        PydanticCustomError: all mistakes, each at its header; values are not shown.
    """
    written: Iterable[_Written | Mistake]
    if isinstance(value, str):
        written = _from_text(value)
    elif isinstance(value, Mapping):
        written = (_Written((name,), "", str(name), text) for name, text in value.items())
    else:
        raise mistake('headers must be a mapping or text as in "x-team:growth,x-env:prod"')
    headers: dict[str, str] = {}
    found: list[Mistake] = []
    seen: dict[str, Steps] = {}
    for each in written:
        if isinstance(each, Mistake):
            found.append(each)
            continue
        reasons = _name_problem(each.name), _value_problem(each.value)
        found.extend(Mistake(each.at, each.where + reason) for reason in reasons if reason is not None)
        name = each.name.lower()
        if name in seen:
            found.append(Mistake(each.at, f"{each.where}this header is given twice", seen[name] or None))
        seen.setdefault(name, each.at)
        headers[each.name] = str(each.value).strip(" \t")
    if found:
        raise mistakes(found)
    return headers


def read_query(value: object) -> str:
    """Query parameters from a mapping, percent-encoded, or from text that is taken unchanged.

    Raises:
        PydanticCustomError: all mistakes, each at its parameter; values are not shown.
    """
    if isinstance(value, str):
        text = str(value)
        if not text.isascii() or not text.isprintable() or " " in text or "#" in text:
            raise mistake("a query written as text must be percent-encoded: no spaces, no #, only ASCII")
        return text
    if not isinstance(value, Mapping):
        raise mistake('query must be a mapping or text as in "source=cdp&v=2"')
    problems = {name: _parameter_problem(parameter) for name, parameter in value.items()}
    bad = [Mistake((name,), problem) for name, problem in problems.items() if problem is not None]
    if bad:
        raise mistakes(bad)
    return "&".join(f"{quote(str(name), safe='')}={quote(value[name], safe='')}" for name in value)


def headers_as_mapping(text: str) -> dict[str, str] | None:
    """The headers of a text as a mapping; None where the text is wrong."""
    try:
        return read_headers(text)
    except PydanticCustomError:
        return None


def query_as_mapping(text: str) -> dict[str, str] | None:
    """The mapping that is sent as this very text; None where there is none, as for a name that is given twice."""
    pairs = [pair.partition("=") for pair in text.split("&")]
    parameters = {unquote(name): unquote(value) for name, _, value in pairs}
    try:
        return parameters if read_query(parameters) == text else None
    except PydanticCustomError:
        return None


def _parameter_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return "a parameter's value must be text"
    if has_control_character(value):
        return "a parameter's value must not contain a control character, such as a line break or a tab"
    return None


_TEXT_OR_MAPPING = {"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}}, {"type": "string"}]}
Headers = Annotated[dict[str, str], BeforeValidator(read_headers), WithJsonSchema(_TEXT_OR_MAPPING)]
Query = Annotated[str, BeforeValidator(read_query), WithJsonSchema(_TEXT_OR_MAPPING)]
