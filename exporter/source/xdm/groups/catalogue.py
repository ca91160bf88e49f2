"""All field groups and classes, by name."""

from __future__ import annotations

from collections.abc import Mapping

from exporter.source.xdm.groups.commerce import COMMERCE
from exporter.source.xdm.groups.field_group import FieldGroup
from exporter.source.xdm.groups.identity import IDENTITY_MAP, SEGMENTATION
from exporter.source.xdm.groups.person import PERSON, PERSONAL_CONTACT, WORK_CONTACT
from exporter.source.xdm.schema import Behaviour

GROUPS: Mapping[str, FieldGroup] = {
    group.name: group for group in (PERSON, PERSONAL_CONTACT, WORK_CONTACT, IDENTITY_MAP, SEGMENTATION, COMMERCE)
}

_PROFILE = FieldGroup(
    "profile",
    "https://ns.adobe.com/xdm/context/profile",
    "Profile",
    "The state of a person: the class of schemas whose records are profiles.",
    {
        "_id": "string",
        "_repo.createDate": "date-time",
        "_repo.modifyDate": "date-time",
        "createdByBatchID": "string",
        "modifiedByBatchID": "string",
        "personID": "string",
        "repositoryCreatedBy": "string",
        "repositoryLastModifiedBy": "string",
    },
)
_EXPERIENCE_EVENT = FieldGroup(
    "experience_event",
    "https://ns.adobe.com/xdm/context/experienceevent",
    "Experience event",
    "What happened at a time: the class of schemas whose records are events.",
    {
        "_id": "string",
        "timestamp": "date-time",
        "eventType": "string",
        "eventMergeId": "string",
        "producedBy": "string",
        "receivedTimestamp": "date-time",
    },
    (Behaviour.TIME_SERIES,),
)

CLASSES: Mapping[Behaviour, FieldGroup] = {
    Behaviour.RECORD: _PROFILE,
    Behaviour.TIME_SERIES: _EXPERIENCE_EVENT,
}
#: Field groups and classes as schemas in the registry refer to them.
BY_URI: Mapping[str, FieldGroup] = {group.uri: group for group in (*CLASSES.values(), *GROUPS.values())}
#: What a record must have, by what it is.
REQUIRED: Mapping[Behaviour, tuple[str, ...]] = {
    Behaviour.RECORD: (),
    Behaviour.TIME_SERIES: ("_id", "timestamp"),
}
