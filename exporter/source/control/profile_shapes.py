"""What is answered of profiles and of their identities, as shapes."""

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
    texts,
)

_TIME: Final[Shape] = {"type": "string", "format": "date-time"}
_ENTITY: Final = named(
    "Entity",
    fields(
        {
            "entityId": TEXT,
            "mergePolicy": fields({"id": TEXT}),
            "sources": array(TEXT),
            "tags": array(TEXT),
            "identityGraph": array(TEXT),
            "entity": FREE,
            "lastModifiedAt": _TIME,
        }
    ),
)
#: Profiles, by the name of the identity that was asked for.
ENTITIES: Final[Shape] = map_of(_ENTITY)
_HAPPENED: Final = named(
    "Happened",
    fields(
        {
            **texts("relatedEntityId", "entityId"),
            "sources": array(TEXT),
            "timestamp": MOMENT,
            "entity": FREE,
            "lastModifiedAt": _TIME,
        }
    ),
)
HAPPENED: Final = named(
    "TimeSeries",
    fields(
        {
            "_page": fields({"orderby": TEXT, "count": WHOLE, "next": TEXT}),
            "children": array(_HAPPENED),
            "_links": LINKS,
        }
    ),
)
#: What a query of entities says.
WHOSE: Final = {
    "schema.name": "_xdm.context.profile, or _xdm.context.experienceevent for what happened; a profile's if missing.",
    "entityId": "An identity of the profile.",
    "entityIdNS": "The namespace of that identity, in any case.",
}
ASKED: Final = {
    **WHOSE,
    "fields": "Only these paths of the profile, with commas between.",
    "relatedSchema.name": "_xdm.context.profile, of whom what happened is asked for.",
    "relatedEntityId": "An identity of that profile.",
    "relatedEntityIdNS": "The namespace of that identity, in any case.",
    "startTime": "Nothing that was taken before, in epoch milliseconds.",
    "endTime": "Nothing that was taken then or later, in epoch milliseconds.",
    "limit": "As many records as a page has at most.",
    "start": "Where the page begins: what _page.next of the page before says.",
}
ASKED_BY_BODY: Final = named(
    "AskedEntities",
    fields(
        {
            "identities": array(
                fields({"entityId": TEXT, "entityIdNS": {**fields({"code": TEXT}), "type": ["object", "string"]}})
            )
        },
        {"schema": fields({}, {"name": TEXT}), "fields": array(TEXT)},
    ),
)
WISHED: Final = named("Wished", fields({"xactionId": TEXT}))
_POLICY: Final = named(
    "MergePolicy",
    fields(
        {
            **texts("id", "name", "imsOrgId"),
            "schema": fields({"name": TEXT}),
            "version": WHOLE,
            "identityGraph": fields({"type": {"enum": ["pdg", "none"]}}),
            "attributeMerge": fields(
                {"type": {"enum": ["timestampOrdered", "dataSetPrecedence"]}}, {"order": array(TEXT)}
            ),
            "default": TRUTH,
        }
    ),
)
POLICIES: Final = fields(
    {"_page": fields({"totalCount": WHOLE, "pageSize": WHOLE}), "children": array(_POLICY), "_links": LINKS}
)
NAMESPACE: Final = named(
    "Namespace",
    fields(
        {
            **texts("code", "name", "description", "status", "idType"),
            "id": WHOLE,
            "createTime": MOMENT,
            "updateTime": MOMENT,
            "custom": TRUTH,
        }
    ),
)
