"""The schema accepts what ``check`` accepts: what it refuses is refused, every key of every section, any value."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from exporter.auth.bearer import Bearer
from exporter.auth.none import NoAuth
from exporter.auth.oauth2_client_credentials import OAuth2ClientCredentials
from exporter.auth.oauth2_password import OAuth2Password
from exporter.queues.jetstream.settings import NatsSettings
from exporter.queues.journal.settings import JournalSettings
from exporter.queues.kafka.sasl import SaslSettings, TokenAuth
from exporter.queues.kafka.settings import KafkaSettings
from exporter.queues.memory import MemorySettings
from exporter.queues.redis_streams.settings import RedisSettings
from exporter.sections.tls import Tls
from exporter.settings.delivery import Delivery, Window
from exporter.settings.destination import ActivateOn, Destination
from exporter.settings.loading.load import load
from exporter.settings.loading.problems import Problems
from exporter.settings.schema import configuration_schema
from exporter.settings.segments import CatalogueSegment, SegmentMapping
from exporter.settings.tree import LogSettings, Ops, Settings
from exporter.source.profiles.settings import IdentitySettings, SqliteProfileSettings
from exporter.source.settings.backfill import BackfillSettings
from exporter.source.settings.ims import Ims, ImsClient
from exporter.source.settings.intake import JournalIntake
from exporter.source.settings.serve import Api, Serve, ServeOps, ServeTls, Tokens
from exporter.state.redis.settings import RedisStateSettings
from exporter.state.sqlite.settings import SqliteSettings
from exporter.telemetry.tracing.settings import TracingSettings

VALID = jsonschema.Draft202012Validator(configuration_schema()).is_valid

VALUES: list[Any] = [
    *(None, True, "yes", "Off", 1, 5, 1.5, 401, "5", " 5 ", "1_000", "5.0", "", "x", "a b", "none", "${X}", "a${X}b"),
    *("10s", "16 mib", "100/10s", "http://a.example:1", "redis://u:p@a.example/1", "nats://a:4222", "a:1", "x=y"),
    *(date(2026, 1, 1), "all", "latest", "basic", "lean", "text", [], ["x"], [5], ["401", "${X}"], [True], [None]),
    *("0.5", ".5", "+5e-1", "HTTP://a.example:1/", "REDIS://a.example/1", "Rediss://a", "UNIX:///x", "NATS://a:4222"),
    *([{"id": 5, "namespace": "${X}"}], {}, {"x": "y"}, {"x": 5}, {"x": ["a", 5]}, {"kind": "bearer", "token": 5}),
]

ENDPOINT = "https://a.example/"
CLIENT = {"client_id": "c", "secret": "s", "org": "o"}
OAUTH = {"token_url": ENDPOINT, "client_id": "c", "client_secret": "s"}
TOKENS = {"mechanism": "OAUTHBEARER", "auth": OAUTH}


def with_auth(kind: str, **keys: Any) -> dict[str, Any]:
    return {"destinations": [{"name": "a", "endpoint": ENDPOINT, "auth": {"kind": kind, **keys}}]}


DESTINATION: dict[str, Any] = {
    "destinations": [{"name": "a", "endpoint": ENDPOINT, "delivery": {"window": {}}, "tls": {}}]
}
DESTINATION["destinations"][0] |= {"activate_on": {}, "segments": [{"id": "s"}]}
DEFAULTS = {"defaults": {"delivery": {}, "auth": {"kind": "oauth2_password"}}}

#: Each section, in a configuration that is valid, and where it stands there.
SECTIONS: list[tuple[type[BaseModel], dict[str, Any], tuple[str | int, ...]]] = [
    (Settings, {}, ()),
    (Ops, {"ops": {}}, ("ops",)),
    (LogSettings, {"log": {}}, ("log",)),
    (TracingSettings, {"tracing": {}}, ("tracing",)),
    (JournalSettings, {"queue": {}}, ("queue",)),
    (MemorySettings, {"queue": {"kind": "memory"}}, ("queue",)),
    (KafkaSettings, {"queue": {"kind": "kafka"}}, ("queue",)),
    (SaslSettings, {"queue": {"kind": "kafka", "sasl": TOKENS}}, ("queue", "sasl")),
    (TokenAuth, {"queue": {"kind": "kafka", "sasl": TOKENS}}, ("queue", "sasl", "auth")),
    (NatsSettings, {"queue": {"kind": "nats"}}, ("queue",)),
    (Tls, {"queue": {"kind": "nats", "tls": {}}}, ("queue", "tls")),
    (RedisSettings, {"queue": {"kind": "redis", "url": "redis://127.0.0.1"}}, ("queue",)),
    (SqliteSettings, {"state": {}}, ("state",)),
    (RedisStateSettings, {"state": {"kind": "redis", "url": "redis://127.0.0.1"}}, ("state",)),
    (CatalogueSegment, {"segments": [{"id": "x"}]}, ("segments", 0)),
    (Destination, DESTINATION, ("destinations", 0)),
    (Delivery, DESTINATION, ("destinations", 0, "delivery")),
    (Window, DESTINATION, ("destinations", 0, "delivery", "window")),
    (Tls, DESTINATION, ("destinations", 0, "tls")),
    (ActivateOn, DESTINATION, ("destinations", 0, "activate_on")),
    (SegmentMapping, DESTINATION, ("destinations", 0, "segments", 0)),
    (NoAuth, with_auth("none"), ("destinations", 0, "auth")),
    (Bearer, with_auth("bearer", token="t"), ("destinations", 0, "auth")),
    (OAuth2ClientCredentials, with_auth("oauth2_client_credentials", **OAUTH), ("destinations", 0, "auth")),
    (OAuth2Password, with_auth("oauth2_password", **OAUTH, username="u", password="p"), ("destinations", 0, "auth")),
    (Serve, {"serve": {}}, ("serve",)),
    (ServeTls, {"serve": {"tls": {}}}, ("serve", "tls")),
    (Api, {"serve": {"api": {}}}, ("serve", "api")),
    (Tokens, {"serve": {"tokens": {}}}, ("serve", "tokens")),
    (ServeOps, {"serve": {"ops": {}}}, ("serve", "ops")),
    (Ims, {"serve": {"ims": {}}}, ("serve", "ims")),
    (ImsClient, {"serve": {"ims": {"clients": [{**CLIENT}]}}}, ("serve", "ims", "clients", 0)),
    (JournalIntake, {"intake": {}}, ("intake",)),
    (SqliteProfileSettings, {"profiles": {}}, ("profiles",)),
    (IdentitySettings, {"identities": {}}, ("identities",)),
    (BackfillSettings, {"backfill": {}}, ("backfill",)),
    (Destination, DEFAULTS, ("defaults",)),
    (Delivery, DEFAULTS, ("defaults", "delivery")),
    (OAuth2Password, DEFAULTS, ("defaults", "auth")),
]


def as_an_editor_sees_it(text: str) -> Any:
    def plain(value: Any) -> Any:
        match value:
            case dict():
                return {str(key): plain(item) for key, item in value.items()}
            case list():
                return [plain(item) for item in value]
            case date():
                return value.isoformat()
            case _:
                return value

    return plain(yaml.load(text, Loader=yaml.CSafeLoader))


def with_value(base: dict[str, Any], at: Sequence[str | int], keys: Sequence[str], value: Any) -> str:
    document = deepcopy(base)
    target: Any = document
    for step in at:
        target = target[step]
    target.update(dict.fromkeys(keys, value))
    return yaml.dump(document, Dumper=yaml.CSafeDumper).replace("'${X}'", "${X}")


@pytest.mark.parametrize(("section", "base", "at"), SECTIONS, ids=lambda part: getattr(part, "__name__", ""))
def test_what_it_refuses_is_refused(
    section: type[BaseModel], base: dict[str, Any], at: tuple[str | int, ...], tmp_path: Path
) -> None:
    """All keys that it refuses one value of are written at once, since loading names every mistake."""
    (tmp_path / "x").write_text("x")
    file = tmp_path / "exporter.yaml"
    keys = [*section.model_fields, "no_such_key"]
    count = 0
    for value in VALUES:
        refused = [key for key in keys if not VALID(as_an_editor_sees_it(with_value(base, at, [key], value)))]
        if "kind" in refused:  # alone: the other keys are judged by it
            refused.remove("kind")
            file.write_text(with_value(base, at, ["kind"], value))
            assert isinstance(load(file, {"X": "1"}), Problems)
        file.write_text(with_value(base, at, refused, value))
        found = load(file, {"X": "1"})
        places = [problem.at for problem in found.problems] if isinstance(found, Problems) else []
        fine = [key for key in refused if not any(place[: len(at) + 1] == (*at, key) for place in places)]
        assert fine == [], (value, found)
        count += len(refused)
    assert count >= len(VALUES)  # no_such_key is always refused
