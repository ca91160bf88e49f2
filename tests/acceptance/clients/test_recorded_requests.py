"""What Adobe's Kafka Connect sink and its Postman collections were recorded to send, sent again to a real way in.

A row has the request's method, path, headers and form as they were; names and data are ours. ``{…}`` in it is what an
earlier answer said, as the collections keep it in their environment.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from harness import Place, SecretFile
from processes import Daemon, eventually
from serving import INLET, idle, serve, way_in

ORG = "ABCDEF0123456789@AdobeOrg"
FLOWS, CONVERSION = "/data/foundation/flowservice", "/data/foundation/conversion"
REGISTRY, DATA_SETS = "/data/foundation/schemaregistry/tenant", "/data/foundation/catalog/dataSets"
HTTP_SPEC = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
LAKE_SPEC = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
MAPPED_SPEC = {"id": "c1a19761-d2c7-4702-b9fa-fe91f0613e81", "version": "1.0"}
FULL = "application/vnd.adobe.xed-full+json;version=1"
PEOPLE = "https://ns.example.com/acme/schemas/mapped-by-identity"
FLOW = "341fd4f0-cdec-4912-9ab6-fb54aeb41286"
TOKEN = (
    "/ims/token/v2?grant_type=client_credentials&client_id=acme-client&client_secret=acme-secret&scope=openid,AdobeID"
)
#: What Java's client of HTTP sends by itself.
JAVA = {
    "Content-Type": "application/json",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "User-Agent": "Java/17.0.15",
    "Accept": "text/html, image/gif, image/jpeg, */*; q=0.2",
}
GUARDED = {
    "Authorization": "Bearer {token}",
    "x-api-key": "acme-client",
    "x-gw-ims-org-id": ORG,
    "x-sandbox-name": "prod",
}
STREAMED = {"Authorization": "Bearer {token}", "x-sandbox-name": "prod"}


class Row(NamedTuple):
    """A request of a collection, the status that its tests look for, and what is kept of the answer.

    ``keep`` is the path to a value in the answer by the name under which the environment has it.
    """

    step: str
    method: str
    path: str
    status: int
    body: Any = None
    accept: str = "application/json"
    keep: Mapping[str, str] = {}
    headers: Mapping[str, str] = GUARDED


def item(**names: str) -> dict[str, str]:
    return {name: f"items.0.{path}" for name, path in names.items()}


RENAME = [{"op": "replace", "path": "/name", "value": "renamed"}]
LEGACY = {
    "version": 0,
    "xdmSchema": "{schema}",
    "xdmVersion": "1.0",
    "mappings": [
        {
            "destinationXdmPath": "person.name.firstName",
            "sourceAttribute": "firstName",
            "identity": False,
            "version": 0,
        },
        {"destinationXdmPath": "workEmail.address", "sourceAttribute": "email", "identity": False, "version": 0},
    ],
}
VALIDATED = {
    "outputSchema": {"schemaRef": {"id": "{schema}", "contentType": FULL}},
    "mappings": [{"sourceType": "ATTRIBUTE", "source": "a", "destination": "person.name.lastName"}],
}
NEWMAN = (
    Row("Request Access Token", "POST", TOKEN, 200, None, "*/*", {"token": "access_token"}, {}),
    Row(
        "Create a custom schema",
        "POST",
        f"{REGISTRY}/schemas",
        201,
        {
            "title": "ACME newman",
            "type": "object",
            "allOf": [
                {"$ref": f"https://ns.adobe.com/xdm/context/{name}"}
                for name in ("profile", "profile-person-details", "profile-work-details")
            ],
        },
        keep={"schema": "$id", "altId": "meta:altId"},
    ),
    Row("Retrieve a schema", "GET", f"{REGISTRY}/schemas/{{altId}}", 200, None, "application/vnd.adobe.xed-id+json"),
    Row(
        "Create a descriptor",
        "POST",
        f"{REGISTRY}/descriptors",
        201,
        {
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": "{schema}",
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/workEmail/address",
            "xdm:namespace": "Email",
            "xdm:property": "xdm:code",
            "xdm:isPrimary": True,
        },
        keep={"descriptor": "@id"},
    ),
    Row(
        "Create a new dataset",
        "POST",
        DATA_SETS,
        201,
        {
            "name": "ACME newman",
            "schemaRef": {"id": "{schema}", "contentType": FULL},
            "tags": {"unifiedProfile": ["enabled:true"]},
        },
        keep={"dataset": "0"},
    ),
    Row("Look up a dataset", "GET", f"{DATA_SETS}/{{dataset}}", 200, keep={"of_dataset": "{dataset}.schemaRef.id"}),
    Row(
        "Create a new connection",
        "POST",
        f"{FLOWS}/connections",
        201,
        {
            "name": "ACME newman base",
            "connectionSpec": HTTP_SPEC,
            "auth": {"specName": "Streaming Connection", "params": {"dataType": "raw"}},
        },
        keep={"connection": "id"},
    ),
    Row(
        "Retrieve a connection",
        "GET",
        f"{FLOWS}/connections/{{connection}}",
        200,
        keep=item(inlet="auth.params.inletId", etag="etag"),
    ),
    Row(
        "List connections",
        "GET",
        f"{FLOWS}/connections?property=state==enabled&limit=2&orderby=-createdAt&count=false",
        200,
        keep=item(newest="id"),
    ),
    Row("Test a connection's connectivity", "GET", f"{FLOWS}/connections/{{connection}}/test", 200),
    Row(
        "Update an existing connection",
        "PATCH",
        f"{FLOWS}/connections/{{connection}}/?if-match={{etag}}",
        200,
        RENAME,
        keep={"renamed": "id"},
    ),
    Row(
        "Create a new source connection",
        "POST",
        f"{FLOWS}/sourceConnections",
        201,
        {"name": "s", "baseConnectionId": "{connection}", "connectionSpec": HTTP_SPEC},
        keep={"source": "id"},
    ),
    Row("Retrieve a source connection", "GET", f"{FLOWS}/sourceConnections/{{source}}", 200, keep=item(got="id")),
    Row(
        "Create a target connection",
        "POST",
        f"{FLOWS}/targetConnections",
        201,
        {
            "name": "t",
            "data": {"schema": {"id": "{schema}", "version": f"{FULL}.0"}},
            "params": {"dataSetId": "{dataset}"},
            "connectionSpec": LAKE_SPEC,
        },
        keep={"target": "id"},
    ),
    Row("Create a mapping set", "POST", f"{CONVERSION}/mappingSets", 200, LEGACY, keep={"mapping": "id"}),
    Row(
        "Retrieve a mapping set",
        "GET",
        f"{CONVERSION}/mappingSets/{{mapping}}?expandSchema=false&version=0",
        200,
        keep={"mapped": "mappings.0.destinationXdmPath"},
    ),
    Row(
        "List mapping sets",
        "GET",
        f"{CONVERSION}/mappingSets?limit=10&start=0&name=x&orderBy=lastUpdateDate",
        200,
        keep={"sets": "_page.limit"},
    ),
    Row(
        "Validate a mapping set",
        "POST",
        f"{CONVERSION}/mappingSets/validate",
        200,
        VALIDATED,
        keep={"valid": "validationResponse.0.status"},
    ),
    Row(
        "List the available mapping set functions",
        "GET",
        f"{CONVERSION}/languages/el/functions",
        200,
        keep={"function": "0.function"},
    ),
    Row(
        "Create a flow",
        "POST",
        f"{FLOWS}/flows",
        201,
        {
            "name": "ACME newman flow",
            "flowSpec": MAPPED_SPEC,
            "sourceConnectionIds": ["{source}"],
            "targetConnectionIds": ["{target}"],
            "transformations": [{"name": "Mapping", "params": {"mappingId": "{mapping}", "mappingVersion": 0}}],
        },
        keep={"flow": "id"},
    ),
    Row("Retrieve a flow's details", "GET", f"{FLOWS}/flows/{{flow}}", 200, keep=item(etag="etag", state="state")),
    Row("List flows", "GET", f"{FLOWS}/flows?limit=1&count=false", 200, keep=item(listed="id")),
    Row("Update a flow", "PATCH", f"{FLOWS}/flows/{{flow}}?if-match={{etag}}", 200, RENAME, keep={"changed": "id"}),
    Row("List flow runs", "GET", f"{FLOWS}/runs?property=flowId=={{flow}}&count=false", 200),
    Row("List connection specifications", "GET", f"{FLOWS}/connectionSpecs", 200, keep=item(specified="id")),
    Row(
        "Retrieve a flow specification",
        "GET",
        f"{FLOWS}/flowSpecs/{MAPPED_SPEC['id']}",
        200,
        keep=item(flow_spec="id"),
    ),
    Row(
        "Send messages",
        "POST",
        "/data/foundation/import/collection/{inlet}",
        200,
        {"firstName": "Ada", "email": "a@b.c"},
        keep={"sent_to": "inletId"},
        headers=STREAMED,
    ),
    Row(
        "Send messages, validated",
        "POST",
        "/data/foundation/import/collection/{inlet}?syncValidation=true",
        200,
        {"firstName": "Ada", "email": "a@b.c"},
        keep={"verdict": "syncValidation.status"},
        headers=STREAMED,
    ),
    Row(
        "Send multiple messages",
        "POST",
        "/data/foundation/import/collection/batch/{inlet}",
        207,
        {"messages": [{"firstName": "Grace", "email": "a@b.c"}]},
        keep={"batch": "responses.0.xactionId"},
        headers=STREAMED,
    ),
    Row(
        "Retrieve an entity",
        "GET",
        "/data/core/ups/access/entities?schema.name=_xdm.context.profile&entityId=a@b.c&entityIdNS=Email",
        200,
    ),
    Row("Delete a flow", "DELETE", f"{FLOWS}/flows/{{flow}}", 204),
    Row("Delete an existing connection", "DELETE", f"{FLOWS}/connections/{{connection}}/", 204),
    Row("Is it gone", "GET", f"{FLOWS}/connections/{{connection}}", 404),
)


class Served:
    """A place that demands tokens at its control plane, and takes the Kafka sink's messages."""

    def __init__(self, place: Place) -> None:
        way_in(place)
        (secret := place.folder / "secret.txt").write_text("acme-secret\n")
        client = {"client_id": "acme-client", "secret": SecretFile(secret), "org": ORG}
        place.config["serve"] |= {"org_id": ORG, "ims": {"clients": [client]}}
        place.config["serve"]["api"]["auth"] = "tokens"
        place.config["schemas"].append({"id": PEOPLE, "groups": ["person", "identity_map"]})
        place.config["datasets"].append({"id": "sunk", "schema": PEOPLE})
        mappings = {"person.name.firstName": "firstName", "identityMap": "identityMap"}
        place.config["mappings"].append({"id": "sunk", "schema": PEOPLE, "mappings": mappings})
        place.config["sources"][0]["flows"].append({"id": FLOW, "name": "sunk", "dataset": "sunk", "mapping": "sunk"})
        place.write()
        self.place = place
        self.daemon: Daemon = serve(place).ready()

    def ask(self, plane: str, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Status and JSON of the answer, whose headers say that it is JSON."""
        serving = self.place.config["serve"]
        port = serving["api"]["port"] if plane == "api" else serving["port"]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), dict(headers))
            answer = connection.getresponse()
            content = answer.read()
            if content:
                assert (answer.getheader("Content-Type") or "").startswith("application/")
            return answer.status, json.loads(content) if content else None

    def profile(self, email: str) -> Any:
        """What is known of a profile by its e-mail address."""
        eventually("all is applied", lambda: self.daemon.alive() and idle(self.daemon))
        token = self.ask("api", "POST", TOKEN, None, {})[1]["access_token"]
        path = f"/data/core/ups/access/entities?schema.name=_xdm.context.profile&entityId={email}&entityIdNS=Email"
        headers = {"Authorization": f"Bearer {token}", "x-api-key": "acme-client", "x-gw-ims-org-id": ORG}
        status, answer = self.ask("api", "GET", path, None, headers)
        return next(iter(answer.values()))["entity"] if status == 200 else None


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Place(tmp_path_factory.mktemp("place")) as place:
        made = Served(place)
        yield made
        assert [line for line in made.daemon.logs() if line["level"] == "error"] == []
        assert made.daemon.terminate() == 0


def filled(value: Any, kept: Mapping[str, str]) -> Any:
    """A row's part with what was kept in the place of ``{…}``."""
    if isinstance(value, dict):
        return {name: filled(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, kept) for each in value]
    if isinstance(value, str):
        for name, word in kept.items():
            value = value.replace(f"{{{name}}}", word)
    return value


def found(answer: Any, path: str) -> Any:
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return answer


def test_the_postman_collections_go_through(served: Served) -> None:
    kept: dict[str, str] = {}
    for row in NEWMAN:
        headers = filled({"Accept": row.accept, **row.headers}, kept)
        if row.body is not None:
            headers["Content-Type"] = "application/json"
        if row.step == "Retrieve an entity":
            assert served.profile("a@b.c")["person"]["name"] == {"firstName": "Grace"}
        path = filled(row.path, kept).replace('"', "%22")
        plane = "data" if row.headers is STREAMED else "api"
        status, answer = served.ask(plane, row.method, path, filled(row.body, kept), headers)
        assert status == row.status, (row.step, answer)
        for name, place in row.keep.items():
            kept[name] = str(found(answer, filled(place, kept))).removeprefix("@/dataSets/")
    assert kept["of_dataset"] == kept["schema"]
    assert kept["newest"] == kept["connection"] == kept["renamed"]
    assert (kept["got"], kept["changed"], kept["sent_to"]) == (kept["source"], kept["flow"], kept["inlet"])
    assert (kept["mapped"], kept["valid"], kept["verdict"]) == ("person.name.firstName", "SUCCESS", "pass")
    assert (kept["state"], kept["sets"], kept["flow_spec"]) == ("enabled", "10", MAPPED_SPEC["id"])


def message(number: int) -> dict[str, Any]:
    """A record of the sink's topic, as its converter makes it."""
    reference = {"id": PEOPLE, "contentType": FULL}
    header = {"schemaRef": reference, "datasetId": "sunk", "source": {"name": "GettingStarted"}, "imsOrgId": ORG}
    entity = {
        "person": {"name": {"firstName": f"N{number}"}},
        "identityMap": {"Email": [{"id": f"p{number}@example.com", "primary": True}]},
        "_id": f"r{number}",
    }
    return {"header": header, "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity}}


def without_header(number: int) -> Any:
    return {"body": message(number)["body"]}


def of_another_org(number: int) -> Any:
    made = message(number)
    made["header"]["imsOrgId"] = "another@AdobeOrg"
    return made


def sunk(served: Served, messages: Sequence[Any], **headers: str) -> list[int]:
    """The places of the messages that the sink puts on its dead-letter queue, as it reads the answer to a batch.

    Raises ValueError where the sink's task would end: it takes what follows the last hyphen of a failed element's
    ``xactionId`` for the place.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"messages": messages}
    status, answer = served.ask("data", "POST", f"/collection/batch/{INLET}", body, {**JAVA, **named})
    assert (status, answer["inletId"], len(answer["responses"])) == (207, INLET, len(messages))
    failed = [each for each in answer["responses"] if each.get("status") is not None]
    assert all(each["status"] == each["statusCode"] == 400 and each["message"] for each in failed)
    good = [each["xactionId"] for each in answer["responses"] if each.get("status") is None]
    assert len(set(good)) == len(good)
    return [int(each["xactionId"].rpartition("-")[2]) for each in failed]


@pytest.mark.parametrize("count", [1, 8, 3])
def test_the_sink_commits_what_was_taken(served: Served, count: int) -> None:
    assert sunk(served, [message(number) for number in range(count)]) == []
    assert served.profile(f"p{count - 1}@example.com")["person"]["name"]["firstName"] == f"N{count - 1}"


@pytest.mark.parametrize("bad", [without_header, of_another_org, lambda number: number, lambda number: None])
@pytest.mark.parametrize("place", [0, 1, 24, 49])
def test_one_bad_message_of_fifty_is_the_one_that_fails(served: Served, place: int, bad: Any) -> None:
    messages = [message(number) for number in range(50)]
    messages[place] = bad(place)
    assert sunk(served, messages) == [place]


def test_a_batch_of_nothing_good_fails_message_by_message(served: Served) -> None:
    assert sunk(served, [without_header(0)]) == [0]
    assert sunk(served, [message(0), without_header(1)]) == [1]
    assert sunk(served, [without_header(0), 7, of_another_org(2)]) == [0, 1, 2]


def test_the_sink_names_flow_and_dataset_in_headers(served: Served) -> None:
    raw = {"firstName": "Raw", "identityMap": {"Email": [{"id": "raw@example.com", "primary": True}]}}
    assert sunk(served, [raw], x_adobe_flow_id=FLOW, x_adobe_dataset_id="sunk") == []
    assert served.profile("raw@example.com")["person"]["name"]["firstName"] == "Raw"
    # Without them nothing says by which of two flows it goes.
    assert sunk(served, [raw]) == [0]
