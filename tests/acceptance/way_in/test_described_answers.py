"""What ``exporter serve`` answers is what its own document of the API says, over the whole table."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from harness import Place
from joserfc import jwt
from joserfc.jwk import RSAKey
from jsonschema import Draft202012Validator
from processes import EXPORTER, Daemon, eventually
from serving import connected, idle, post, serve, way_in

ORG = "ACME@AdobeOrg"
VISITS = "https://ns.example.com/acme/schemas/visits"
CLASS = "https://ns.adobe.com/xdm/context/profile"
SPECS = {
    "connection": {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"},
    "target": {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"},
    "flow": {"id": "c1a19761-d2c7-4702-b9fa-fe91f0613e81", "version": "1.0"},
}
#: Of these there are none yet, so that none can be read.
NEVER_FOUND = {"getGlobalDatatypes", "getTenantDatatypes", "getGlobalSchemas"}
CLIENT = {"client_id": "acme-client", "client_secret": "acme-secret"}
PROFILE = {"schema.name": "_xdm.context.profile", "entityIdNS": "email", "entityId": "ada@example.com"}


Query: TypeAlias = Mapping[str, Any] | Sequence[tuple[str, Any]]


class Api:
    """A control plane, asked by the names of operations; each answer is held against the document."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.document: Any = json.loads(self._sent("GET", "/openapi.json")[2])
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
        }
        self.answered: set[str] = set()

    def ask(
        self, name: str, body: Any = None, *, query: Query = (), accept: str = "", etag: str = "", **ids: str
    ) -> Any:
        """What the good answer says."""
        status, value = self.tried(name, body, query=query, accept=accept, etag=etag, ids=ids)
        operation = self.operations[name][2]
        assert str(status) in operation["responses"], (name, status, value)
        self.answered.add(name)
        known = {each["name"] for each in operation["parameters"] if each.get("in") == "query"}
        assert set(dict(query)) <= known, name
        if body is not None:
            self._hold(_body_of(operation)[1], body, name)
        return value

    def refused(
        self,
        status: int,
        name: str,
        body: Any = None,
        *,
        query: Query = (),
        accept: str = "",
        etag: str = "",
        **ids: str,
    ) -> None:
        """The answer is no good one."""
        assert self.tried(name, body, query=query, accept=accept, etag=etag, ids=ids)[0] == status

    def tried(
        self,
        name: str,
        body: Any = None,
        *,
        query: Query = (),
        accept: str = "",
        etag: str = "",
        ids: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and body of the answer, whatever it is."""
        method, path, operation = self.operations[name]
        for variable, value in (ids or {}).items():
            path = path.replace(f"{{{variable}}}", quote(value, safe=""))
        media = _body_of(operation)[0]
        headers = {"Content-Type": media, "Accept": accept or "*/*", **({"If-Match": etag} if etag else {})}
        text = None if body is None else json.dumps(body) if media == "application/json" else urlencode(body)
        status, media, answer = self._sent(method, f"{path}?{urlencode(query)}" if query else path, text, headers)
        described = operation["responses"].get(str(status)) or operation["responses"][f"{status // 100}XX"]
        if "$ref" in described:
            described = self.document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        if "content" not in described:
            assert answer == b""
            return status, None
        value = answer.decode() if media == "application/x-ndjson" else json.loads(answer)
        self._hold(described["content"][media]["schema"], value, name)
        return status, value

    def _hold(self, shape: Mapping[str, Any], value: Any, name: str) -> None:
        whole = {**shape, "components": self.document["components"]}
        wrong = [f"{each.json_path}: {each.message}" for each in Draft202012Validator(whole).iter_errors(value)]
        assert wrong == [], name

    def _sent(
        self, method: str, address: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, address, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()


def _body_of(operation: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The first media type that a body may have, and its shape."""
    content = operation.get("requestBody", {"content": {"application/json": {"schema": {}}}})["content"]
    media, described = next(iter(content.items()))
    return media, described["schema"]


def place_of(folder: Path, key: RSAKey) -> Place:
    """A way in that gives tokens and keeps what happened; its control plane asks for none."""
    place = Place(folder)
    way_in(place)
    (folder / "client.pem").write_bytes(key.as_pem(private=False))
    client = {"client_id": CLIENT["client_id"], "secret": CLIENT["client_secret"], "org": ORG}
    client["jwt_public_key_file"] = str(folder / "client.pem")
    place.config["serve"]["ims"] = {"clients": [client]}
    place.config["profiles"]["keep_time_series"] = "30d"
    email = {"path": "workEmail.address", "namespace": "Email", "primary": True}
    visits = {"id": VISITS, "behaviour": "time_series", "fields": {"workEmail.address": "string"}}
    place.config["schemas"].append({**visits, "identities": [email]})
    place.config["datasets"].append({"id": "visits", "schema": VISITS})
    place.config["sources"][0]["flows"].append({"name": "visits", "dataset": "visits"})
    place.destination("crm", "http://127.0.0.1:9/")
    place.write()
    return place


def tokens(api: Api, key: RSAKey) -> None:
    by_secret = {"grant_type": "client_credentials", **CLIENT}
    api.ask("createToken", by_secret)
    api.ask("createTokenV2", by_secret)
    api.ask("createTokenV1", {**CLIENT, "grant_type": "authorization_code", "code": "any"})
    claims = {"iss": ORG, "sub": "a", "aud": "https://x/c/acme-client", "exp": int(time.time()) + 600}
    for name in ("exchangeJwt", "exchangeJwtV1"):
        api.ask(name, {**CLIENT, "jwt_token": jwt.encode({"alg": "RS256"}, claims, key)})
    api.refused(401, "createToken", {**by_secret, "client_secret": "other"})
    assert api.ask("listKeys")["keys"]


def namespaces(api: Api) -> None:
    made = api.ask("createNamespace", {"name": "Loyalty", "code": "Loyalty", "idType": "CROSS_DEVICE"})
    assert api.ask("getNamespace", id=str(made["id"]))["code"] == "Loyalty"
    assert made in api.ask("listNamespaces")


def schema(api: Api) -> str:
    """A schema, its descriptors, and what the library has; the schema's id."""
    groups = [{"$ref": CLASS}, {"$ref": "https://ns.adobe.com/xdm/context/profile-person-details"}]
    groups.append({"$ref": "https://ns.adobe.com/xdm/context/profile-work-details"})
    name: str = api.ask("createSchema", {"title": "People", "type": "object", "allOf": groups})["$id"]
    for form in ("xed", "xed-full", "xed-id", "xed-full-desc"):
        accept = f"application/vnd.adobe.{form}+json; version=1"
        assert api.ask("getSchema", id=name, accept=accept)["$id"] == name
    api.ask("changeSchema", [{"op": "add", "path": "/description", "value": "Of people."}], id=name)
    api.ask("replaceSchema", {"title": "People", "type": "object", "allOf": groups}, id=name)
    assert api.ask("listSchemas", query={"limit": 1, "orderby": "title"})["_page"]["count"] == 1
    api.ask("listSchemas", accept="application/vnd.adobe.xed-id+json")
    api.refused(406, "listSchemas", accept="application/pdf")
    api.ask("getStats")
    descriptor = {"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": name, "xdm:sourceVersion": 1}
    descriptor |= {"xdm:sourceProperty": "/workEmail/address", "xdm:namespace": "Email", "xdm:property": "xdm:code"}
    made = api.ask("createDescriptor", {**descriptor, "xdm:isPrimary": True})["@id"]
    assert api.ask("getDescriptor", id=made)["@id"] == made
    api.ask("replaceDescriptor", {**descriptor, "xdm:isPrimary": True}, id=made)
    for form in ("xdm", "xdm-link", "xdm-id", "xdm-v2"):
        api.ask("listDescriptors", accept=f"application/vnd.adobe.{form}+json")
    other = api.ask("createDescriptor", {"@type": "xdm:alternateDisplayInfo", "xdm:sourceSchema": name})["@id"]
    api.ask("deleteDescriptor", id=other)
    unused = api.ask("createSchema", {"title": "Unused", "type": "object", "allOf": groups[:1]})["$id"]
    api.ask("deleteSchema", id=unused)
    for kind in ("Behaviors", "Classes", "Fieldgroups", "Datatypes", "Schemas"):
        found = api.ask(f"listGlobal{kind}")["results"]
        for whose in ("Global", "Tenant"):
            if found and f"get{whose}{kind}" in api.operations:
                api.ask(f"get{whose}{kind}", id=found[0]["$id"])
        if kind != "Schemas":
            api.ask(f"listTenant{kind}")
    return name


def dataset(api: Api, schema_id: str) -> str:
    """The id of a dataset of profiles."""
    body = {"name": "People", "schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json"}}
    [made] = api.ask("createDataSet", body)
    name: str = made.removeprefix("@/dataSets/")
    api.ask("changeDataSet", {"tags": {"unifiedProfile": ["enabled:true"]}}, id=name)
    api.ask("changeDataSet", [{"op": "add", "path": "/description", "value": "Of people."}], id=name)
    assert api.ask("getDataSet", id=name)[name]["classification"]["dataBehavior"] == "record"
    assert list(api.ask("getDataSet", id=name, query={"properties": "name"})[name]) == ["name"]
    assert name in api.ask("listDataSets", query={"limit": 100, "orderBy": "desc:created"})
    [other] = api.ask("createDataSet", body)
    api.ask("replaceDataSet", {**body, "name": "Others"}, id=other.removeprefix("@/dataSets/"))
    api.ask("deleteDataSet", id=other.removeprefix("@/dataSets/"))
    return name


def mapping_set(api: Api, schema_id: str) -> str:
    """The id of a mapping set with two versions; one is made and deleted below each path."""
    output = {"schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"}}
    mapping = {"sourceType": "EXPRESSION", "source": "email", "destination": "workEmail.address"}
    name = {"sourceType": "ATTRIBUTE", "source": "name", "destination": "person.name.firstName"}
    body = {"outputSchema": output, "mappings": [mapping]}
    for short in ("", "Short"):
        api.ask(f"validateMappingSet{short}", {**body, "mappings": [{**mapping, "source": "uper(a)"}, name]})
        for data in ({"email": "ada@example.com"}, [{"email": "ada@example.com"}, {}]):
            api.ask(f"previewMappingSet{short}", {"data": data, "mappingSet": body})
        assert api.ask(f"listMappingSetFunctions{short}")
        assert api.ask(f"listMappingSetOperators{short}")
        for expression in ("upper(a)", {"expression": "uper(a"}):
            api.ask(f"validateExpression{short}", {"expression": expression})
        made: str = api.ask(f"createMappingSet{short}", body, query={"validate": "true"})["id"]
        unknown = {**body, "mappings": {"a": "uper(a)"}}
        api.refused(400, f"createMappingSet{short}", unknown, query={"validate": "true"})
        assert api.ask(f"listMappingSets{short}", query={"limit": 1})["_links"]["next"]
        api.ask(f"getMappingSet{short}", id=made, query={"version": 0, "expandSchema": "true"})
        api.ask(f"replaceMappingSet{short}", {**body, "mappings": [mapping, name]}, id=made)
        added = api.ask(f"createMapping{short}", {**name, "destination": "person.name.lastName"}, id=made)["id"]
        assert len(api.ask(f"listMappings{short}", id=made)["data"]) == 3
        assert api.ask(f"getMapping{short}", id=made, mapping=added)["id"] == added
        api.ask(f"replaceMapping{short}", {**name, "destination": "person.name.fullName"}, id=made, mapping=added)
        api.ask(f"deleteMapping{short}", id=made, mapping=added)
        api.ask(f"deleteMappingSet{short}", id=made)
    legacy = {"xdmSchema": schema_id, "xdmVersion": "1.0", "mappings": [mapping, name]}
    kept: str = api.ask("createMappingSet", legacy)["id"]
    return kept


def flow(api: Api, dataset_id: str, mapping_id: str) -> tuple[dict[str, str], str]:
    """Connection, source connection, target connection and flow, by their operations' names; and the inlet."""
    made: dict[str, str] = {}

    def make(what: str, body: Mapping[str, Any]) -> str:
        name: str = api.ask(f"create{what}", {"name": f"People's {what}", **body})["id"]
        [shown] = api.ask(f"get{what}", id=name)["items"]
        change = [{"op": "replace", "path": "/description", "value": "Of people."}]
        api.ask(f"patch{what}", change, id=name, etag=shown["etag"])
        api.refused(412, f"patch{what}", change, id=name, etag=shown["etag"])
        api.ask(f"list{what}s", query={"limit": 1, "orderby": "-createdAt"})
        assert api.ask(f"list{what}s", query={"count": "true"})["count"] > 1
        made[what] = name
        return name

    auth = {"specName": "Streaming Connection", "params": {"dataType": "raw"}}
    base = make("Connection", {"connectionSpec": SPECS["connection"], "auth": auth})
    begins = make("SourceConnection", {"connectionSpec": SPECS["connection"], "baseConnectionId": base})
    ends = make("TargetConnection", {"connectionSpec": SPECS["target"], "params": {"dataSetId": dataset_id}})
    mapping = {"name": "Mapping", "params": {"mappingId": mapping_id, "mappingVersion": 0}}
    ids = {"sourceConnectionIds": [begins], "targetConnectionIds": [ends]}
    name = make("Flow", {"flowSpec": SPECS["flow"], **ids, "transformations": [mapping]})
    for operation in ("disable", "enable"):
        api.ask("switchFlow", id=name, query={"op": operation})
        api.ask("switchConnection", id=base, query={"op": operation})
    assert api.ask("testConnection", id=base) == {"result": True}
    for what in ("ConnectionSpec", "FlowSpec"):
        found = api.ask(f"list{what}s")["items"]
        api.ask(f"get{what}", id=found[0]["id"])
    [shown] = api.ask("getConnection", id=base)["items"]
    return made, shown["auth"]["params"]["inletId"]


def records(api: Api, place: Place, serving: Daemon, inlet: str, flow_id: str) -> None:
    """What becomes of records: a run, a batch of those that failed, a profile, and what happened to it."""
    with connected(place) as connection:
        for record in ({"email": "ada@example.com", "name": "Ada"}, {"name": "Nobody"}):
            connection.request("POST", f"/collection/{inlet}", json.dumps(record), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:1]) == (200, b"{")
        visit = {"_id": "v1", "timestamp": "2026-01-01T00:00:00Z", "workEmail": {"address": "ada@example.com"}}
        reference = {"id": VISITS, "contentType": "application/json"}
        body = {"xdmMeta": {"schemaRef": reference}, "xdmEntity": visit}
        assert post(connection, {"header": {"schemaRef": reference, "datasetId": "visits"}, "body": body})[0] == 200
    eventually("all is applied", lambda: serving.alive() and idle(serving))
    [run] = api.ask("listRuns", query=[("property", f"flowId=={flow_id}"), ("limit", 5)])["items"]
    counted = run["metrics"]["recordSummary"]
    assert (counted["inputRecordCount"], counted["failedRecordCount"]) == (2, 1)
    api.ask("getRun", id=run["id"])
    assert api.ask("listRuns", query={"count": "true"})["count"] == 2
    [(name, _)] = api.ask("listBatches", query={"status": "failed"}).items()
    api.ask("getBatch", id=name)
    api.ask("listLastBatches")
    [file] = api.ask("getFailedRecords", id=name)["data"]
    assert '"Nobody"' in api.ask("getFailedRecords", id=name, query={"path": file["name"]})
    [entity] = api.ask("getEntity", query={**PROFILE, "fields": "person"}).values()
    assert entity["entity"] == {"person": {"name": {"firstName": "Ada"}}}
    series = {"schema.name": "_xdm.context.experienceevent", "relatedEntityIdNS": "email"}
    assert api.ask("getEntity", query={**series, "relatedEntityId": "ada@example.com"})["_page"]["count"] == 1
    asked = [{"entityId": each, "entityIdNS": {"code": "email"}} for each in ("ada@example.com", "nobody")]
    assert len(api.ask("getEntities", {"schema": {"name": "_xdm.context.profile"}, "identities": asked})) == 2
    api.ask("deleteEntity", query=PROFILE)
    api.ask("listMergePolicies")


def test_every_operation_answers_as_the_document_says(tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048)
    with place_of(tmp_path, key) as place:
        serving = serve(place).ready()
        api = Api(place.config["serve"]["api"]["port"])
        api.ask("getOpenApi")
        printed = subprocess.run([*EXPORTER, "schema", "--openapi"], capture_output=True, check=True, timeout=60)
        assert json.loads(printed.stdout) == api.document
        tokens(api, key)
        namespaces(api)
        schema_id = schema(api)
        dataset_id, mapping_id = dataset(api, schema_id), mapping_set(api, schema_id)
        made, inlet = flow(api, dataset_id, mapping_id)
        records(api, place, serving, inlet, made["Flow"])
        api.refused(400, "deleteConnection", id=made["Connection"])
        for what in ("Flow", "TargetConnection", "SourceConnection", "Connection"):
            api.ask(f"delete{what}", id=made[what])
        assert set(api.operations) - api.answered == NEVER_FOUND
        # Whatever else is asked, what is refused is said as the document has it.
        for name, (_, _, operation) in api.operations.items():
            ids = {each["name"]: "x" for each in operation["parameters"] if each.get("in") == "path"}
            bodies: tuple[Any, ...] = ([], {}) if "requestBody" in operation else (None,)
            for body in bodies:
                assert api.tried(name, body, ids=ids)[0] < 500
        assert serving.terminate() == 0
