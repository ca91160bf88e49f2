"""Destinations as the flows that clients know: from the store of profiles to where profiles are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from exporter.source.control.flow_service.specs import (
    HTTP_DESTINATION,
    PROFILE_STORE,
    PROFILES_TO_DESTINATION,
    spec,
)
from exporter.source.control.objects.making import declared_resource
from exporter.source.control.objects.resource import Kind, Resource


@dataclass(frozen=True, slots=True)
class ShownDestination:
    """What is shown of a destination.

    Attributes:
        name: unique among destinations.
        description: for people.
        endpoint: the URL; nothing is shown of it but scheme, host and path.
        enabled: whether profiles are sent there.
        attributes: the paths that are mapped.
        segments: the ids of the segments that are mapped, and their names where these are known.
    """

    name: str
    description: str
    endpoint: str
    enabled: bool
    attributes: Sequence[str]
    segments: Sequence[tuple[str, str]]


def destination_resources(
    destinations: Sequence[ShownDestination], org_id: str, file: str, at: int
) -> Iterator[Resource]:
    """A flow for each destination, and the connections that clients look up from there.

    Args:
        destinations: those of the configuration.
        org_id: the organisation; ids are made of it and of names, so that they stay.
        file: that declares them.
        at: when that was read, in epoch milliseconds.
    """
    store, begins = _id(org_id, "profile store"), _id(org_id, "profile store/source")
    profiles = {"name": "Profiles", "connectionSpec": spec(PROFILE_STORE), "state": "enabled"}
    if destinations:
        yield declared_resource(Kind.CONNECTION, store, profiles, file, at)
        source = {**profiles, "baseConnectionId": store, "data": {"format": "json"}, "params": {}}
        yield declared_resource(Kind.SOURCE_CONNECTION, begins, source, file, at)
    for each in destinations:
        base, ends, flow = (_id(org_id, f"destination/{each.name}/{what}") for what in ("base", "target", "flow"))
        common = {
            "name": each.name,
            "description": each.description,
            "connectionSpec": spec(HTTP_DESTINATION),
            "state": "enabled",
        }
        yield declared_resource(Kind.CONNECTION, base, common, file, at)
        params = {"endpoint": _without_query(each.endpoint)}
        target = {**common, "baseConnectionId": base, "data": {"format": "json"}, "params": params}
        yield declared_resource(Kind.TARGET_CONNECTION, ends, target, file, at)
        yield declared_resource(Kind.FLOW, flow, _flow(each, begins, ends), file, at)


def _flow(destination: ShownDestination, begins: str, ends: str) -> dict[str, Any]:
    paths = [{"type": "JSON_PATH", "value": {"operator": "EXISTS", "path": path}} for path in destination.attributes]
    segments = [{"type": "PLATFORM_SEGMENT", "value": {"id": key, "name": name}} for key, name in destination.segments]
    params = {"profileSelectors": {"selectors": paths}, "segmentSelectors": {"selectors": segments}}
    return {
        "name": destination.name,
        "description": destination.description,
        "flowSpec": spec(PROFILES_TO_DESTINATION),
        "sourceConnectionIds": [begins],
        "targetConnectionIds": [ends],
        "transformations": [{"name": "GeneralTransform", "params": params}],
        "state": "enabled" if destination.enabled else "disabled",
    }


def _without_query(url: str) -> str:
    """Scheme, host, port and path; no credentials."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _id(org_id: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{org_id}/{name}"))
