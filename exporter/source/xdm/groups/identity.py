"""Field groups that the profile store reads: identities and memberships."""

from __future__ import annotations

from exporter.source.xdm.groups.field_group import FieldGroup
from exporter.source.xdm.schema import Behaviour

IDENTITY_MAP = FieldGroup(
    "identity_map",
    "https://ns.adobe.com/xdm/context/identitymap",
    "Identity map",
    "Ids of the person, by namespace.",
    {
        "identityMap{}[].id": "string",
        "identityMap{}[].authenticatedState": "string",
        "identityMap{}[].primary": "boolean",
    },
    tuple(Behaviour),
)

SEGMENTATION = FieldGroup(
    "segmentation",
    "https://ns.adobe.com/xdm/context/profile-segmentation",
    "Segment membership",
    "The segments in which the person is or was, by namespace and id.",
    {
        "segmentMembership{}{}.status": "string",
        "segmentMembership{}{}.lastQualificationTime": "date-time",
        "segmentMembership{}{}.validUntil": "date-time",
        "segmentMembership{}{}.version": "string",
        "segmentMembership{}{}.mergePolicyID": "string",
        "segmentMembership{}{}.payload": "object",
    },
)
