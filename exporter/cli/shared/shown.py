"""How commands show what was kept of events and records: JSON on one line, times, ids, and bodies."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from exporter.sections.printable import printable

_HALF = re.compile("[\ud800-\udfff]")
#: Ids are opaque and may be long; the whole id is in the JSON and in ``show``.
_ID_CHARACTERS = 36


def json_text(shown: dict[str, Any]) -> str:
    """An object as a line of JSON; all in ASCII where it holds half a surrogate pair, which is no text."""
    text = json.dumps(shown, ensure_ascii=False)
    return text if not _HALF.search(text) else json.dumps(shown)


def body_object(body: bytes) -> dict[str, Any]:
    """A body for scripts: in ``body`` where it is JSON, as text in ``bodyText`` otherwise."""
    document = parsed(body)
    return {"bodyText": printable(body)} if document is None else {"body": document[0]}


def body_text(body: bytes) -> str:
    """A body for people: indented where it is JSON."""
    document = parsed(body)
    if document is None:
        return printable(body)
    # Characters that JSON leaves unescaped may still turn a terminal's text around, so line by line.
    return "\n".join(printable(line) for line in json.dumps(document[0], ensure_ascii=False, indent=2).splitlines())


def fields_text(fields: dict[str, str]) -> str:
    """Names and values in two columns, for standard output: a terminal gets long values in several lines."""
    from exporter.cli.shared.look.tree import Branch, tree_text

    return tree_text([Branch(name, value) for name, value in fields.items()], label=max(map(len, fields)) + 1)


def parsed(body: bytes) -> tuple[Any] | None:
    """The document in a tuple of its own, since it may be ``null``; None where the body is no JSON."""
    try:
        return (json.loads(body, parse_constant=_refuse),)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def shown_value(value: object) -> str:
    """A value on one line; ``-`` where there is none."""
    return "-" if value is None else printable(str(value))


def shortened(text: str | None) -> str:
    """An id that fits a column of a table."""
    shown = shown_value(text)
    return shown if len(shown) <= _ID_CHARACTERS else shown[: _ID_CHARACTERS - 1] + "…"


def time_text(epoch: float) -> str:
    """Epoch seconds as RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
