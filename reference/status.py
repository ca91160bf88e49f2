"""docs/reference/status.md: what ``/status`` answers, from its schema."""

from __future__ import annotations

from exporter.telemetry.status import status_schema
from reference.markdown import code, prose, table
from reference.values import kind

HEAD = """\
# The status document

What `GET /status` of the [ops port](../operation.md#the-ops-port) answers, and, one destination a line, what `exporter status --json`
prints. This page is made from the types of the answer (`python -m reference status`), as is the JSON Schema beside it,
[status.schema.json](../status.schema.json). Every key is always there; later versions may add keys.
"""


def status_page() -> str:
    """The text of the page."""
    texts = [HEAD]
    for name, section in status_schema()["$defs"].items():
        rows = [
            (code(key), kind(schema, lambda name: f"[{name}](#{name.lower()})"), prose(schema.get("description", "")))
            for key, schema in section["properties"].items()
        ]
        texts.append(f"\n## {name}\n\n{_whole(section['description'])}\n\n{table(('key', 'type', 'meaning'), rows)}")
    return "".join(texts)


def _whole(text: str) -> str:
    """All paragraphs of a docstring."""
    return "\n\n".join(prose(paragraph) for paragraph in text.split("\n\n"))
