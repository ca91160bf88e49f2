"""The merge policy by which profiles are put together: the one that the configuration comes to."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import found
from exporter.source.control.profile_shapes import POLICIES
from exporter.source.control.request import Request
from exporter.source.control.routes import Route
from exporter.source.profiles.merge.rules import Rules

PATH: Final = "/data/core/ups/config/mergePolicies"


def policy_id(org_id: str) -> str:
    """The id of an organisation's merge policy."""
    return str(uuid5(NAMESPACE_URL, org_id))


def policies(org_id: str, rules: Rules) -> Route:
    """The row of the table that answers with the list of merge policies; there is one."""
    merge: dict[str, Any] = {"type": "timestampOrdered"}
    if rules.precedence is not None:
        merge = {"type": "dataSetPrecedence", "order": list(rules.precedence)}
    policy = {
        "id": policy_id(org_id),
        "name": "Default",
        "imsOrgId": org_id,
        "schema": {"name": "_xdm.context.profile"},
        "version": 1,
        "identityGraph": {"type": "pdg" if rules.linked else "none"},
        "attributeMerge": merge,
        "default": True,
    }
    page = {"totalCount": 1, "pageSize": 1}
    answer = found({"_page": page, "children": [policy], "_links": {"next": {"href": ""}}})

    async def reply(_: Request) -> Answer:
        return answer

    summary = "List the merge policies: there is one."
    return Route("GET", PATH, "listMergePolicies", summary, reply, answers={200: POLICIES})
