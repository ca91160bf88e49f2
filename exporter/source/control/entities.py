"""Profiles by API: an entity is read, and deleted by a wish that stands in the intake before the answer goes out."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from exporter.profile.paths import parse_path
from exporter.source.collection.checks.answers import Answer
from exporter.source.collection.wish import WishKind
from exporter.source.control.answers import failed, found
from exporter.source.control.profile_shapes import ASKED, ASKED_BY_BODY, ENTITIES, HAPPENED, WHOSE, WISHED
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route
from exporter.source.profiles.asking import asked_identity
from exporter.source.profiles.merge.naming import identity_key
from exporter.source.profiles.merge.times import text_of
from exporter.source.profiles.port import Happened, ProfileStore, ProfilesUnavailable, ShownProfile
from exporter.source.records import Identity
from exporter.source.wishing import NotWished, Wished

PATH = "/data/core/ups/access/entities"
_PROFILE = "_xdm.context.profile"
_TIME_SERIES = "_xdm.context.experienceevent"
#: As many records as an answer has, where the query says nothing, and at most.
_LIMIT = 1000
#: As many records of one identity are taken in one millisecond at most: a few batches.
_MOST_AT_ONCE = 100_000
#: As many profiles as are read at a time.
_MOST_IDENTITIES = 1000
#: When nobody was changed last.
_NEVER = "1970-01-01T00:00:00Z"
#: In epoch milliseconds; no record is taken later.
_END = 1 << 53
_AWAY = (("Retry-After", "1"),)


@dataclass(frozen=True, slots=True)
class Entities:
    """The path of entities.

    Attributes:
        store: the profiles.
        wish: puts a wish into the intake.
        lowercase_ids: namespaces whose ids are compared in lower case.
        policy: the id of the merge policy that profiles are of.
        now: epoch milliseconds.
        keep_ms: milliseconds for which records of time series are kept.
    """

    store: ProfileStore
    wish: Callable[[WishKind, Identity], Awaitable[Wished | NotWished]]
    lowercase_ids: frozenset[str]
    policy: str
    now: Callable[[], int]
    keep_ms: int = 0

    async def get(self, request: Request) -> Answer:
        """The profile of an identity, or what is kept of what happened to it."""
        given = dict(request.query)
        if given.get("schema.name") == _TIME_SERIES:
            return await self._time_series(given)
        asked = self._asked(request)
        if isinstance(asked, Answer):
            return asked
        identity, query = asked
        try:
            profile = await self.store.profile(identity, self.now())
        except ProfilesUnavailable as error:
            return failed(503, "1503-503", f"The profiles cannot be read now: {error}", headers=_AWAY)
        if profile is None:
            return failed(404, "1439-404", "There is no profile of this identity")
        paths = [each.strip() for each in query.get("fields", "").split(",")]
        return found({xid(identity): self._shown(identity, profile, paths)})

    async def post(self, request: Request) -> Answer:
        """The profiles of several identities; one without a profile is an empty entity."""
        asked = self._asked_by_body(request.json())
        if isinstance(asked, Answer):
            return asked
        identities, paths = asked
        try:
            profiles = {each: await self.store.profile(each, self.now()) for each in identities}
        except ProfilesUnavailable as error:
            return failed(503, "1503-503", f"The profiles cannot be read now: {error}", headers=_AWAY)
        return found(
            {
                xid(identity): self._nobody(identity) if profile is None else self._shown(identity, profile, paths)
                for identity, profile in profiles.items()
            }
        )

    async def _time_series(self, query: Mapping[str, str]) -> Answer:
        """The records of time series of the identity that a query names; none where there is no such profile."""
        related = query.get("relatedEntityIdNS", ""), query.get("relatedEntityId", "")
        identity = asked_identity(*related, self.lowercase_ids)
        if identity is None or query.get("relatedSchema.name", _PROFILE) != _PROFILE:
            return failed(400, "1400-400", f"relatedEntityId and relatedEntityIdNS of a {_PROFILE} are needed")
        now = self.now()
        try:
            since, until = (int(query.get(key, at)) for key, at in (("startTime", 0), ("endTime", now + 1)))
            limit = int(query.get("limit", _LIMIT))
            at, shown = (int(each) for each in query.get("start", "0-0").split("-"))
        except ValueError:
            since = until = limit = at = shown = 0
        if not (0 < limit <= _LIMIT and 0 <= since <= until < _END and 0 <= at < _END and 0 <= shown < _MOST_AT_ONCE):
            words = f"startTime and endTime are epoch milliseconds, limit is 1 to {_LIMIT}, start is a next of before"
            return failed(400, "1400-400", words)
        since = max(since, now - self.keep_ms)
        # Of the time at which the page before ended some are shown already.
        since, shown = (at, shown) if at >= since else (since, 0)
        try:
            most = shown + limit + 1
            found_all = await self.store.time_series(identity, since, until, most) if self.keep_ms else ()
        except ProfilesUnavailable as error:
            return failed(503, "1503-503", f"The profiles cannot be read now: {error}", headers=_AWAY)
        happened = found_all[shown : shown + limit]
        children = [
            {
                "relatedEntityId": xid(identity),
                "entityId": each.entity.get("_id", each.xaction_id),
                "sources": [each.dataset],
                "timestamp": each.taken,
                "entity": each.entity,
                "lastModifiedAt": text_of(each.taken),
            }
            for each in happened
        ]
        following = _following(found_all[: shown + limit]) if len(found_all) > shown + limit else ""
        page = {"orderby": "timestamp", "count": len(children), "next": following}
        href = f"{PATH}?{urlencode({**query, 'start': following})}" if following else ""
        return found({"_page": page, "children": children, "_links": {"next": {"href": href}}})

    async def delete(self, request: Request) -> Answer:
        """202 once the deletion stands in the intake, whether or not there is such a profile by now."""
        asked = self._asked(request)
        if isinstance(asked, Answer):
            return asked
        wished = await self.wish(WishKind.DELETE, asked[0])
        if isinstance(wished, NotWished):
            return failed(503, "1503-503", "The intake cannot take the deletion now", headers=_AWAY)
        return found({"xactionId": wished.xaction_id}, 202)

    def _asked(self, request: Request) -> tuple[Identity, Mapping[str, str]] | Answer:
        """The identity that the query names, and the query."""
        query = dict(request.query)
        if query.get("schema.name", _PROFILE) != _PROFILE:
            return failed(400, "1400-400", f"schema.name should be {_PROFILE}")
        identity = asked_identity(query.get("entityIdNS", ""), query.get("entityId", ""), self.lowercase_ids)
        if identity is None:
            return failed(400, "1400-400", "entityId and entityIdNS are needed")
        return identity, query

    def _asked_by_body(self, body: Any) -> tuple[Sequence[Identity], Sequence[str]] | Answer:
        """The identities that a body names, and the paths that are wanted of each profile."""
        if isinstance(body, Answer):
            return body
        given = body if isinstance(body, dict) else {}
        schema, fields, named = given.get("schema"), given.get("fields", []), given.get("identities")
        if isinstance(schema, dict) and schema.get("name", _PROFILE) != _PROFILE:
            return failed(400, "1400-400", f"schema.name should be {_PROFILE}")
        if not isinstance(fields, list) or not all(isinstance(each, str) for each in fields):
            return failed(400, "1400-400", "fields should be an array of paths")
        if not isinstance(named, list) or not 0 < len(named) <= _MOST_IDENTITIES:
            return failed(400, "1400-400", f"identities should be an array of 1 to {_MOST_IDENTITIES}")
        identities = [self._named(each) for each in named]
        known = [each for each in identities if each is not None]
        if len(known) < len(identities):
            return failed(400, "1400-400", "entityId and entityIdNS.code of each identity are needed")
        return known, fields

    def _named(self, given: Any) -> Identity | None:
        """The identity that an element of a body names, if it names one."""
        if not isinstance(given, dict):
            return None
        namespace, key = given.get("entityIdNS"), given.get("entityId")
        code = namespace.get("code") if isinstance(namespace, dict) else namespace
        if not isinstance(code, str) or not isinstance(key, str):
            return None
        return asked_identity(code, key, self.lowercase_ids)

    def _nobody(self, identity: Identity) -> dict[str, Any]:
        return {
            "entityId": xid(identity),
            "mergePolicy": {"id": self.policy},
            "sources": [],
            "tags": [],
            "identityGraph": [xid(identity)],
            "entity": {},
            "lastModifiedAt": _NEVER,
        }

    def _shown(self, identity: Identity, profile: ShownProfile, fields: Sequence[str]) -> dict[str, Any]:
        paths = [each for each in fields if each]
        return {
            "entityId": xid(identity),
            "mergePolicy": {"id": self.policy},
            "sources": profile.sources,
            "tags": profile.tags,
            "identityGraph": [xid(each) for each in profile.identities],
            "entity": _picked(profile.entity, paths) if paths else profile.entity,
            "lastModifiedAt": text_of(profile.modified),
        }


def routes_of(entities: Entities) -> Iterator[Route]:
    """The rows of the table."""
    summary = "Read a profile, or what happened to it, by one of its identities."
    shown = {200: {"anyOf": [HAPPENED, ENTITIES]}}
    yield Route("GET", PATH, "getEntity", summary, entities.get, answers=shown, query=ASKED)
    summary, profiles = "Read the profiles of identities.", {200: ENTITIES}
    yield Route("POST", PATH, "getEntities", summary, entities.post, Reads.JSON, ASKED_BY_BODY, profiles)
    summary = "Delete a profile, by a wish that is applied in the order of the records."
    yield Route("DELETE", PATH, "deleteEntity", summary, entities.delete, answers={202: WISHED}, query=WHOSE)


def _following(shown: Sequence[Happened]) -> str:
    """Where the page after those ``shown`` begins: at the time of the last, after so many that have that time."""
    last = shown[-1].taken
    return f"{last}-{sum(each.taken == last for each in shown)}"


def xid(identity: Identity) -> str:
    """The one name of an identity that holds no data: the same in every store."""
    key = b2a_base64(identity_key(identity.namespace, identity.id), newline=False).decode()
    return key.rstrip("=").replace("+", "-").replace("/", "_")


def _picked(entity: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
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
