"""The specifications by which clients name kinds of connections and of flows: a fixed few, under well-known ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: A connection to which records are posted.
HTTP_API: Final = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
#: What a target connection is of: it names a dataset.
DATA_LAKE: Final = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
#: Where the flows of destinations begin.
PROFILE_STORE: Final = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
#: Where the flows of destinations end. The id that others use for it is not public; this one is ours.
HTTP_DESTINATION: Final = "5f7a1d3e-8c46-4b0e-9a52-d3c1e60b7f24"
WITHOUT_TRANSFORMATION: Final = "d8a6f005-7eaf-4153-983e-e8574508b877"
WITH_TRANSFORMATION: Final = "c1a19761-d2c7-4702-b9fa-fe91f0613e81"
#: A flow of a destination.
PROFILES_TO_DESTINATION: Final = "71471eba-b620-49e4-90fd-23f1fa0174d8"
AUTHENTICATION: Final = "Streaming Connection"
VERSION: Final = "1.0"

_STREAMING_PROVIDER: Final = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
_PLATFORM_PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
_PROFILE_PROVIDER: Final = "14e34fac-d307-11e9-bb65-2a2ae2dbcce4"
_STREAMING: Final[Mapping[str, Any]] = {"category": "streaming", "frequency": "streaming"}
_PARAMS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "sourceId": {"type": "string", "description": "The name of the source; the connection's where missing."},
        "name": {"type": "string", "description": "Likewise."},
        "dataType": {
            "type": "string",
            "enum": ["xdm", "raw"],
            "description": "What is to come; both are taken.",
        },
        "authenticationRequired": {"type": "boolean", "default": False},
    },
}

CONNECTION_SPECS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "id": HTTP_API,
        "name": "HTTP API",
        "providerId": _STREAMING_PROVIDER,
        "version": VERSION,
        "type": "source",
        "authSpec": [{"name": AUTHENTICATION, "type": "streaming", "spec": _PARAMS}],
        "sourceSpec": {"attributes": {"uiAttributes": {"isSource": True, "frequency": {"key": "streaming"}}}},
        "attributes": {"isSource": True, **_STREAMING},
    },
    {
        "id": DATA_LAKE,
        "name": "datalake",
        "providerId": _PLATFORM_PROVIDER,
        "version": VERSION,
        "type": "target",
        "attributes": {},
    },
    {
        "id": PROFILE_STORE,
        "name": "profile store",
        "providerId": _PROFILE_PROVIDER,
        "version": VERSION,
        "type": "source",
        "attributes": {},
    },
    {
        "id": HTTP_DESTINATION,
        "name": "HTTP API destination",
        "providerId": _PROFILE_PROVIDER,
        "version": VERSION,
        "type": "target",
        "attributes": {"isDestination": True, **_STREAMING},
    },
)

FLOW_SPECS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "id": WITHOUT_TRANSFORMATION,
        "name": "Stream data without transformation",
        "providerId": _PLATFORM_PROVIDER,
        "version": VERSION,
        "sourceConnectionSpecIds": [HTTP_API],
        "targetConnectionSpecIds": [DATA_LAKE],
        "transformationSpecs": [],
        "permissionsInfo": {},
        "attributes": {"isSourceFlow": True, **_STREAMING},
    },
    {
        "id": WITH_TRANSFORMATION,
        "name": "Stream data with transformation",
        "providerId": _PLATFORM_PROVIDER,
        "version": VERSION,
        "sourceConnectionSpecIds": [HTTP_API],
        "targetConnectionSpecIds": [DATA_LAKE],
        "transformationSpecs": [
            {
                "name": "Mapping",
                "spec": {
                    "type": "object",
                    "properties": {"mappingId": {"type": "string"}, "mappingVersion": {"type": "integer"}},
                },
            }
        ],
        "permissionsInfo": {},
        "attributes": {"isSourceFlow": True, **_STREAMING},
    },
    {
        "id": PROFILES_TO_DESTINATION,
        "name": "Stream profiles to a destination",
        "providerId": _PROFILE_PROVIDER,
        "version": VERSION,
        "sourceConnectionSpecIds": [PROFILE_STORE],
        "targetConnectionSpecIds": [HTTP_DESTINATION],
        "transformationSpecs": [{"name": "GeneralTransform", "spec": {"type": "object"}}],
        "permissionsInfo": {},
        "attributes": {"isDestinationFlow": True, **_STREAMING},
    },
)


def spec(name: str) -> dict[str, str]:
    """How an object says which specification it is of."""
    return {"id": name, "version": VERSION}
