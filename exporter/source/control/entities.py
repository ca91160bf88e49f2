"""Profiles by API: an entity is read, and deleted by a wish that stands in the intake before the answer goes out."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, uuid5

from exporter.profile.paths import parse_path
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.wish import WishKind
from exporter.source.control.answers import failed, found
from exporter.source.profiles.asking import asked_identity
from exporter.source.profiles.merge.profile import identity_key
from exporter.source.profiles.merge.times import text_of
from exporter.source.profiles.port import ProfileStore, ProfilesUnavailable, ShownProfile
from exporter.source.records import Identity
from exporter.source.wishing import NotWished, Wished

PATH = "/data/core/ups/access/entities"
_PROFILE = "_xdm.context.profile"
_AWAY = (("Retry-After", "1"),)


@dataclass(frozen=True, slots=True)
class Entities:
    """The path of entities.

    Attributes:
        store: the profiles.
        wish: puts a wish into the intake.
        lowercase_ids: namespaces whose ids are compared in lower case.
        org_id: the organisation, of whose merge policy profiles are.
        now: epoch milliseconds.
    """

    store: ProfileStore
    wish: Callable[[WishKind, Identity], Awaitable[Wished | NotWished]]
    lowercase_ids: frozenset[str]
    org_id: str
    now: Callable[[], int]

    async def get(self, head: RequestHead) -> Answer:
        """The profile of an identity."""
        asked = self._asked(head)
        if isinstance(asked, Answer):
            return asked
        identity, query = asked
        try:
            profile = await self.store.profile(identity, self.now())
        except ProfilesUnavailable as error:
            return failed(503, "1503-503", f"The profiles cannot be read now: {error}", headers=_AWAY)
        if profile is None:
            return failed(404, "1439-404", "There is no profile of this identity")
        return found({xid(identity): self._shown(identity, profile, query.get("fields", ""))})

    async def delete(self, head: RequestHead) -> Answer:
        """202 once the deletion stands in the intake, whether or not there is such a profile by now."""
        asked = self._asked(head)
        if isinstance(asked, Answer):
            return asked
        wished = await self.wish(WishKind.DELETE, asked[0])
        if isinstance(wished, NotWished):
            return failed(503, "1503-503", "The intake cannot take the deletion now", headers=_AWAY)
        return found({"xactionId": wished.xaction_id}, 202)

    def _asked(self, head: RequestHead) -> tuple[Identity, Mapping[str, str]] | Answer:
        """The identity that the query names, and the query."""
        query = dict(parse_qsl(head.query, keep_blank_values=True))
        if query.get("schema.name", _PROFILE) != _PROFILE:
            return failed(400, "1400-400", f"schema.name should be {_PROFILE}")
        identity = asked_identity(query.get("entityIdNS", ""), query.get("entityId", ""), self.lowercase_ids)
        if identity is None:
            return failed(400, "1400-400", "entityId and entityIdNS are needed")
        return identity, query

    def _shown(self, identity: Identity, profile: ShownProfile, fields: str) -> dict[str, Any]:
        paths = [each.strip() for each in fields.split(",") if each.strip()]
        return {
            "entityId": xid(identity),
            "mergePolicy": {"id": str(uuid5(NAMESPACE_URL, self.org_id))},
            "sources": profile.sources,
            "tags": profile.tags,
            "identityGraph": [xid(each) for each in profile.identities],
            "entity": _picked(profile.entity, paths) if paths else profile.entity,
            "lastModifiedAt": text_of(profile.modified),
        }


def xid(identity: Identity) -> str:
    """The one name of an identity that holds no data: the same in every store."""
    key = b2a_base64(identity_key(identity.namespace, identity.id), newline=False).decode()
    return key.rstrip("=").replace("+", "-").replace("/", "_")


def _picked(entity: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """What stands at ``paths``; a path that leads nowhere picks nothing."""
    picked: dict[str, Any] = {}
    for text in paths:
        path = parse_path(text)
        there: Any = entity
        for step in path:
            there = there.get(step) if isinstance(there, dict) else None
        if there is not None:
            into = picked
            for step in path[:-1]:
                below = into.setdefault(step, {})
                into = below if isinstance(below, dict) else {}
            into.setdefault(path[-1], there)
    return picked
