"""What the schema registry answers with, as shapes."""

from __future__ import annotations

from typing import Final

from exporter.source.control.shapes import (
    FREE,
    LINKS,
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Shape,
    array,
    fields,
    map_of,
    named,
    sent,
    texts,
)

#: What every form of a document has; the others say more.
_HEADING: Final = texts("$id", "meta:altId", "meta:resourceType", "version", "title")
_EXTENDED: Final = {"meta:extends": array(TEXT), "meta:containerId": TEXT}
NEW_SCHEMA: Final = named(
    "NewSchema",
    sent(
        {"title": {"type": "string", "pattern": "\\S"}},
        {
            **texts("description", "meta:class"),
            "type": {"enum": ["object"]},
            "allOf": array(FREE),
            "properties": FREE,
            "meta:immutableTags": array(TEXT),
        },
    ),
)
SCHEMA: Final = named(
    "Schema",
    fields(
        _HEADING,
        {
            **texts("type", "description", "meta:class", "meta:tenantNamespace", "imsOrg"),
            **_EXTENDED,
            "allOf": array(FREE),
            "properties": FREE,
            "refs": array(TEXT),
            "meta:immutableTags": array(TEXT),
            "meta:descriptors": array(FREE),
            "meta:registryMetadata": fields(
                {"repo:createdDate": MOMENT, "repo:lastModifiedDate": MOMENT, "eTag": TEXT},
                texts("xdm:createdClientId", "xdm:lastModifiedClientId", "xdm:repositoryCreatedBy"),
            ),
        },
    ),
)
LIBRARY: Final = named(
    "LibraryDocument",
    fields(
        _HEADING,
        {**texts("type", "description"), **_EXTENDED, "properties": FREE, "meta:intendedToExtend": array(TEXT)},
    ),
)
_NAMESPACE: Final[Shape] = {"type": ["string", "integer"], "description": "A code, or a number where xdm:id says so."}
_OF_IDENTITIES: Final = {
    "xdm:sourceVersion": WHOLE,
    **texts("xdm:sourceProperty", "xdm:property"),
    "xdm:namespace": _NAMESPACE,
    "xdm:isPrimary": TRUTH,
}
NEW_DESCRIPTOR: Final = named("NewDescriptor", sent(texts("@type", "xdm:sourceSchema"), _OF_IDENTITIES))
DESCRIPTOR: Final = named(
    "Descriptor",
    fields(texts("@id", "@type", "xdm:sourceSchema", "meta:containerId", "version"), _OF_IDENTITIES),
)
#: Descriptors in the form that Accept names: whole, or as their ids or paths.
_DESCRIPTORS: Final = array({"anyOf": [DESCRIPTOR, TEXT]})


def page(results: Shape) -> Shape:
    """A page of a list."""
    paging = fields({"orderby": TEXT, "next": {"type": ["string", "null"]}, "count": WHOLE})
    return fields({"results": results, "_page": paging, "_links": LINKS})


#: By their kinds, or a page.
DESCRIPTORS: Final[Shape] = {"anyOf": [page(_DESCRIPTORS), map_of(_DESCRIPTORS)]}
_TOLD: Final = named(
    "ToldSchema",
    fields({**_HEADING, "description": TEXT, "meta:created": MOMENT, "meta:updated": MOMENT}),
)
STATS: Final = named(
    "Stats",
    fields(
        {
            **texts("imsOrg", "tenantId"),
            "counts": map_of(WHOLE),
            "recentlyCreatedResources": array(_TOLD),
            "recentlyUpdatedResources": array(_TOLD),
            "classUsage": map_of(array(_TOLD)),
        }
    ),
)
