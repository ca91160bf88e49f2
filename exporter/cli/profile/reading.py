"""A profile for people, and for scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import typer

from exporter.cli.profile.store import identity_of, with_profiles
from exporter.cli.shared.shown import body_text, fields_text, json_text, shown_value, time_text

if TYPE_CHECKING:
    from exporter.settings.tree import Settings
    from exporter.source.profiles.port import ProfileStore, ShownProfile


def shown(settings: Settings, namespace: str, id_: str, *, as_json: bool) -> str:
    """The text of a profile. Exits with 1 where there is none."""
    identity = identity_of(settings, namespace, id_)

    async def read(store: ProfileStore) -> tuple[ShownProfile | None]:
        return (await store.profile(identity, int(time.time() * 1000)),)

    nothing: tuple[ShownProfile | None] = (None,)
    (found,) = with_profiles(settings, read, nothing=nothing)
    if found is None:
        typer.echo("there is no profile of this identity", err=True)
        raise typer.Exit(1)
    return json_text(_as_object(found)) if as_json else _text(found)


def _as_object(profile: ShownProfile) -> dict[str, Any]:
    return {
        "profileId": profile.profile_id,
        "identities": [
            {"namespace": each.namespace, "id": each.id, "primary": each.primary} for each in profile.identities
        ],
        "sources": list(profile.sources),
        "tags": list(profile.tags),
        "lastModifiedAt": time_text(profile.modified / 1000),
        "entity": dict(profile.entity),
    }


def _text(profile: ShownProfile) -> str:
    fields = {
        "profile": profile.profile_id,
        "identities": ", ".join(shown_value(f"{each.namespace}:{each.id}") for each in profile.identities),
        "datasets": ", ".join(map(shown_value, profile.sources)) or "-",
        "records": ", ".join(map(shown_value, profile.tags)) or "-",
        "modified": time_text(profile.modified / 1000),
    }
    return f"{fields_text(fields)}\n\n{body_text(orjson.dumps(profile.entity))}"
