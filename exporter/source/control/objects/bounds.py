"""How large an object may be, whichever way it came to be so large."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed
from exporter.source.control.objects.resource import Kind, Resource

#: As large as an object may be where nobody says anything else: what a body may be.
MOST_BYTES: Final = 1024**2
#: What is told of each mapping beside what its client says, some of which under two names.
_TOLD_OF_MAPPINGS: Final = frozenset(
    {
        *("id", "createdDate", "createdBy", "modifiedDate", "modifiedBy", "version", "identity", "primaryIdentity"),
        *("matchScore", "functionVersion", "sourceAttribute", "destinationXdmPath"),
    }
)


def too_large(resources: Iterable[Resource], most: int) -> Answer | None:
    """413: an object has more than ``most`` bytes as JSON; None where none has.

    Of a mapping set each version counts for itself, as its client says it; all of them together have a limit of their
    own. A flow that is deleted is no object any more: it keeps others.
    """
    for each in resources:
        if each.kind is not Kind.DELETED_FLOW and (size := len(orjson.dumps(_said(each)))) > most:
            words = f"{each.kind} would have {size} bytes, more than the {most} bytes of serve.max_body"
            return failed(413, "1413-413", words)
    return None


def _said(resource: Resource) -> Mapping[str, Any]:
    if resource.kind is not Kind.MAPPING_SET:
        return resource.fields
    latest = resource.fields["versions"][-1]
    mappings = latest.get("mappings", ())
    return {**latest, "mappings": [{name: each[name] for name in each.keys() - _TOLD_OF_MAPPINGS} for each in mappings]}
