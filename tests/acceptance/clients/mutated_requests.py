"""Requests to the control plane as clients send them, and as they come where something is wrong with a client."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from control_api import HTTP_SPEC, LAKE_SPEC, MAPPED_SPEC, PLAIN_SPEC, mapping
from serving import SCHEMA

_FLOWS, _CONVERSION = "/data/foundation/flowservice", "/data/foundation/conversion"
_REGISTRY, _CATALOG = "/data/foundation/schemaregistry", "/data/foundation/catalog"
_UPS, _NAMESPACES = "/data/core/ups", "/data/core/idnamespace/identities"
_CONTEXT = "https://ns.adobe.com/xdm/context"
_FULL = "application/vnd.adobe.xed-full+json;version=1"
_REFERENCE = {"schemaRef": {"id": SCHEMA, "contentType": _FULL}}
_RULE = {"sourceType": "ATTRIBUTE", "source": "id", "destination": "_acme.profile"}
_ENTITY = "schema.name=_xdm.context.profile&entityIdNS=key&entityId=p1"


class Sent(NamedTuple):
    """One request; ``target``: path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def shown(self) -> str:
        """It, for people who look for what went wrong."""
        return f"{self.method} {self.target[:400]!r} {dict(self.headers)} {self.body[:600]!r}"


class Ids:
    """The ids of objects by their kinds: those that answers named take part from then on, the latest of them."""

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {
            "schemas": [quote(SCHEMA, safe=""), SCHEMA],
            "dataSets": ["people"],
            "mappingSets": ["raw"],
            "connectionSpecs": [HTTP_SPEC["id"]],
            "flowSpecs": [PLAIN_SPEC["id"]],
            "identities": ["6"],
        }
        self._etags: dict[str, str] = {}

    def etag(self, name: str) -> str:
        """That of an object as far as an answer told it."""
        return self._etags.get(name, '"00000000-0000-0200-0000-000000000000"')

    def one(self, kind: str, chance: Random) -> str:
        """One that is known; now and then one that nobody knows."""
        known = self._known.get(kind, ())
        return chance.choice(known) if known and chance.random() < 0.9 else "00000000-0000-4000-8000-000000000000"

    def note(self, target: str, status: int, answer: Any) -> None:
        """Take what an answer names."""
        etag: Any = None
        if isinstance(answer, dict) and status in (200, 201):
            etag, name = answer.get("etag"), answer.get("id") or answer.get("$id") or answer.get("@id")
        else:
            name = answer[0].rpartition("/")[2] if status == 201 and isinstance(answer, list) and answer else None
        if isinstance(name, str):
            kind = next((each for each in reversed(target.partition("?")[0].split("/")) if each in _NAMED), "")
            named = quote(name, safe="")
            self._known[kind] = [*(each for each in self._known.get(kind, ())[-5:] if each != named), named]
            if isinstance(etag, str):
                self._etags[named] = etag


_NAMED = (
    *("connections", "sourceConnections", "targetConnections", "flows", "runs", "mappingSets", "mappings", "schemas"),
    *("descriptors", "dataSets", "batches", "identities", "connectionSpecs", "flowSpecs", "classes", "fieldgroups"),
)


def _made(ids: Ids, chance: Random) -> Mapping[str, Any]:
    """What to make objects of, by the path's kind."""
    name = chance.choice(["acme", "ACME  base", "ü" * 20])
    streaming = {"specName": "Streaming Connection", "params": {"dataType": "raw", "name": name, "sourceId": "s"}}
    return {
        "connections": {"name": name, "connectionSpec": HTTP_SPEC, "auth": streaming, "providerId": "521eee4d"},
        "sourceConnections": {
            "name": name,
            "baseConnectionId": ids.one("connections", chance),
            "connectionSpec": HTTP_SPEC,
            "data": {"format": "json"},
        },
        "targetConnections": {
            "name": name,
            "connectionSpec": LAKE_SPEC,
            "params": {"dataSetId": "people"},
            "data": {"schema": {"id": SCHEMA, "version": _FULL}},
        },
        "flows": {
            "name": name,
            "flowSpec": chance.choice([PLAIN_SPEC, MAPPED_SPEC]),
            "sourceConnectionIds": [ids.one("sourceConnections", chance)],
            "targetConnectionIds": [ids.one("targetConnections", chance)],
            "transformations": chance.choice([[], [mapping(ids.one("mappingSets", chance))]]),
            "scheduleParams": {"frequency": "minute", "interval": "15"},
        },
        "mappingSets": {"outputSchema": _REFERENCE, "mappings": [_RULE]},
        "mappings": _RULE,
        "schemas": {
            "title": name,
            "type": "object",
            "allOf": [{"$ref": f"{_CONTEXT}/profile"}, {"$ref": f"{_CONTEXT}/profile-person-details"}],
        },
        "descriptors": {
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": SCHEMA,
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/personalEmail/address",
            "xdm:namespace": "Email",
            "xdm:property": "xdm:code",
            "xdm:isPrimary": False,
        },
        "dataSets": {
            "name": name,
            "schemaRef": {"id": SCHEMA, "contentType": _FULL},
            "tags": {"unifiedProfile": ["enabled:true"]},
        },
        "identities": {"name": name, "code": f"C{chance.randrange(50)}", "idType": "CROSS_DEVICE"},
    }


_FLOW_SERVICE = ("connections", "sourceConnections", "targetConnections", "flows")
_SERVICE = {
    **dict.fromkeys(_FLOW_SERVICE, _FLOWS),
    **dict.fromkeys(("schemas", "descriptors"), f"{_REGISTRY}/tenant"),
    "mappingSets": _CONVERSION,
    "dataSets": _CATALOG,
    "identities": "/data/core/idnamespace",
}
_CHANGES = ("PATCH", "PUT", "DELETE")
#: Of what objects can be made, each after those that it needs.
KINDS = ("schemas", "descriptors", "dataSets", "identities", "mappingSets", *_FLOW_SERVICE)
#: What is asked for without a body.
_READ = (
    f"{_FLOWS}/connectionSpecs",
    f"{_FLOWS}/flowSpecs?property=name==Stream data with transformation",
    f"{_FLOWS}/flows?limit=100&count=False&property=inheritedAttributes.properties.isSourceFlow==true",
    f"{_FLOWS}/connections?property=state==enabled&limit=2&orderby=-createdAt&count=false",
    f"{_FLOWS}/runs?limit=10&count=False&property=flowId==x&property=metrics.statusSummary.status==failed",
    f"{_CONVERSION}/mappingSets?limit=10&start=0&name=x&orderBy=lastUpdateDate",
    f"{_CONVERSION}/languages/el/functions",
    f"{_CONVERSION}/languages/el/operators",
    f"{_REGISTRY}/stats/",
    f"{_REGISTRY}/global/classes",
    f"{_REGISTRY}/global/fieldgroups",
    f"{_REGISTRY}/global/behaviors",
    f"{_REGISTRY}/tenant/schemas/?property=meta:extends!={_CONTEXT}&limit=3&start=1",
    f"{_REGISTRY}/tenant/descriptors/?property=@type==xdm:descriptorIdentity,xdm:sourceSchema=={SCHEMA}",
    f"{_CATALOG}/dataSets?limit=100&start=0&name=acme&orderBy=desc:created",
    f"{_CATALOG}/batches?limit=10&status=failed&orderBy=desc:created",
    f"{_CATALOG}/lastBatches?limit=20&dataSetId=people",
    "/data/foundation/export/batches/x/failed?path=x",
    _NAMESPACES,
    f"{_UPS}/access/entities?{_ENTITY}",
    f"{_UPS}/config/mergePolicies?limit=100",
    "/ims/keys",
)
_EXPRESSIONS = (
    "upper(a)",
    "iif(a == 1, 'x', b.c[0])",
    "concat(",
    "${a b}",
    "a.b(c)",
    "x -> x > 1",
    "-" * 300,
    "(" * 999,
)
_PATCHES: Sequence[Any] = (
    [{"op": "replace", "path": "/name", "value": "new"}],
    [{"op": "add", "path": "/transformations/0", "value": mapping("raw")}],
    [{"op": "replace", "path": "/tags/unifiedProfile", "value": ["enabled:true", "isUpsert:true"]}],
    [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}],
    [{"op": "Remove", "path": "/description"}],
    {"name": "merged"},
)


def creation(kind: str, ids: Ids, chance: Random) -> Sent:
    """Makes an object of a kind."""
    return _sent("POST", f"{_SERVICE[kind]}/{kind}", _made(ids, chance)[kind], chance)


def request(ids: Ids, chance: Random) -> Sent:
    """One that a client sends."""
    made = _made(ids, chance)
    kind = chance.choice(KINDS)
    path, name = f"{_SERVICE[kind]}/{kind}", ids.one(kind, chance)
    one = f"{path}/{name}"
    entity = {
        "schema": {"name": "_xdm.context.profile"},
        "identities": [{"entityId": "p", "entityIdNS": {"code": "k"}}],
    }
    preview = {"data": {"id": 1}, "mappingSet": made["mappingSets"]}
    method, target, body = chance.choice(
        [
            *[("POST", path, made[kind])] * 4,
            *[("PATCH", one, chance.choice(_PATCHES))] * 4,
            *[("GET", chance.choice(_READ), None)] * 2,
            ("GET", one, None),
            ("GET", path, None),
            ("GET", f"{_FLOWS}/connections/{ids.one('connections', chance)}/test", None),
            ("PUT", one, made[kind]),
            ("DELETE", one, None),
            ("POST", f"{one}/action?op={chance.choice(['enable', 'disable', 'x'])}", None),
            ("POST", f"{_CONVERSION}/mappingSets/validate", made["mappingSets"]),
            ("POST", f"{_CONVERSION}/mappingSets/preview", preview),
            ("POST", f"{_CONVERSION}/languages/el/validate", {"expression": chance.choice(_EXPRESSIONS)}),
            ("POST", f"{_CONVERSION}/mappingSets/{ids.one('mappingSets', chance)}/mappings", made["mappings"]),
            ("DELETE", f"{_UPS}/access/entities?{_ENTITY}", None),
            ("POST", f"{_UPS}/access/entities", entity),
            ("POST", "/ims/token/v3", "grant_type=client_credentials&client_id=a&client_secret=b&scope=openid,AdobeID"),
        ]
    )
    sent = _sent(method, target, body, chance)
    return sent._replace(headers={**sent.headers, "If-Match": ids.etag(name)}) if method in _CHANGES else sent


def _sent(method: str, target: str, body: Any, chance: Random) -> Sent:
    headers = {
        "Accept": chance.choice(["application/json", "*/*", _FULL, "application/vnd.adobe.xed-id+json"]),
        "x-api-key": "acme-client",
        "x-gw-ims-org-id": "A@AdobeOrg",
        "x-sandbox-name": "prod",
    }
    if isinstance(body, str):
        return Sent(method, target, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body.encode())
    if body is not None:
        headers["Content-Type"] = chance.choice(["application/json", "application/json-patch+json"])
    return Sent(method, target, headers, b"" if body is None else json.dumps(body).encode())


_WORDS = (
    "",
    "%",
    "%00",
    "%zz",
    "%ff%fe",
    "%2F",
    "%2e%2e",
    "..",
    "//",
    "\u00fc",
    "%C3%BC",
    "{id}",
    "null",
    "-1",
    "a" * 5000,
)
_QUERIES = (
    *("limit=-1", "limit=1e9", "limit=", "limit=5&limit=x", "start=99999999999999999999", "count=TRUE", "count=maybe"),
    *("property=", "property===", "property=a[b]==1", "property=a[]>b,c", "property=%ff==1", "property=state!=x"),
    *("property=" + "a." * 900 + "b==1", "property=a==" + "b," * 900, "orderby=-", "orderby=a,b,-c,+d", "orderBy=x:y"),
    *("continuationToken=%3D%3D", "continuationToken=MTAgYQ", "op=", "if-match=%22x%22", "validate=ja", "version=1.5"),
    *("expandSchema=true", "entityId=%00&entityIdNS=", "path=..%2F..%2Fx", "&&&===", "%", "a" * 3000, "\u00fc=\u00fc"),
)
_HEADERS: Sequence[tuple[str, str]] = (
    ("Content-Type", ""),
    ("Content-Type", "text/plain"),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Accept", "application/vnd.adobe.xdm-full-flat-x+json; version=99"),
    ("Accept", "application/vnd.adobe.xdm-v2-link+json"),
    ("Accept", "," * 200),
    ("If-Match", ""),
    ("If-Match", "*"),
    ("If-Match", '""""'),
    ("x-sandbox-name", "nowhere"),
    ("x-api-key", "\u00fc" * 50),
    ("Authorization", "Bearer"),
    ("Authorization", "Basic Og=="),
    ("Content-Encoding", "gzip"),
)
_VALUES: Sequence[Any] = (
    *(None, True, 0, -1, 1.5, 2**63, "", "\u0000", "\ud800", "x" * 2000, [], {}, [[]], [None], {"": {"": None}}),
    *("enabled", "Mapping", "#/definitions/a", "../..", SCHEMA, "people", "raw", f"{_CONTEXT}/experienceevent"),
)
_BODIES = (
    *(b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}{}", b"NaN", b'{"a":1e999}'),
    *(
        b"[" * 5000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b'{"name":"\\ud800"}',
        b'{"a":1,"a":2}',
        b"[" + b"0," * 5000 + b"0]",
    ),
    *(b"a=%ff&a=b&&=", b"--x\r\n\r\n", b"9" * 400, b'{"name":"' + b"x" * 200_000 + b'"}'),
)


def mutated(sent: Sent, chance: Random) -> Sent:
    """The same with one thing after the other wrong, one to three."""
    for _ in range(chance.randint(1, 3)):
        sent = chance.choice(_MUTATIONS)(sent, chance)
    return sent


def _other_method(sent: Sent, chance: Random) -> Sent:
    return sent._replace(
        method=chance.choice(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "PURGE"])
    )


def _other_path(sent: Sent, chance: Random) -> Sent:
    path, mark, query = sent.target.partition("?")
    steps = path.split("/")
    place = chance.randrange(1, len(steps))
    change = chance.randrange(5)
    if change == 0:
        steps[place] = chance.choice(_WORDS)
    elif change == 1:
        steps.insert(place, chance.choice(_WORDS))
    elif change == 2:
        del steps[place]
    elif change == 3:
        steps[place] = "".join(f"%{ord(each):02x}" if ord(each) < 128 else each for each in steps[place])
    else:
        steps[place] += chance.choice(_WORDS)
    return sent._replace(target="/".join(steps) + mark + query)


def _other_query(sent: Sent, chance: Random) -> Sent:
    return sent._replace(target=f"{sent.target}{'&' if '?' in sent.target else '?'}{chance.choice(_QUERIES)}")


def _other_header(sent: Sent, chance: Random) -> Sent:
    name, value = chance.choice(_HEADERS)
    rest = {key: each for key, each in sent.headers.items() if key != name}
    return sent._replace(headers={**rest, name: value} if value else rest)


def _other_body(sent: Sent, chance: Random) -> Sent:
    if not sent.body or chance.random() < 0.2:
        return sent._replace(body=chance.choice(_BODIES))
    try:
        body = json.loads(sent.body)
    except (ValueError, RecursionError):
        cut = chance.randrange(len(sent.body))
        return sent._replace(body=sent.body[:cut] + chance.choice(_BODIES)[:50] + sent.body[cut:])
    return sent._replace(body=json.dumps(_changed(body, chance)).encode())


def _changed(value: Any, chance: Random) -> Any:
    """A JSON value, something in which is gone, or another, or more."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        change = chance.randrange(4)
        if change == 0:
            return {key: each for key, each in value.items() if key != name}
        if change == 1:
            return {**value, chance.choice(["id", "etag", "state", "$ref", "properties", "not", "x" * 300]): name}
        return {**value, name: _changed(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        more = [value[place]] * chance.choice([0, 2, 200])
        return [*value[:place], *(more or [_changed(value[place], chance)]), *value[place + 1 :]]
    return chance.choice(_VALUES)


_MUTATIONS = (_other_method, _other_path, _other_path, *(_other_query,) * 3, *(_other_header,) * 3, *(_other_body,) * 8)
