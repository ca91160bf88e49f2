"""What a person does with aepp, from a schema to a failed batch: run by a Python that has it, and never imported.

``python aepp_session.py API COLLECTION`` with the addresses of both planes; it ends with 0 where every answer was what
had been made, and says with a traceback which one was not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import aepp
from aepp import catalog, customerprofile, dataaccess, dataprep, flowservice, identity, ingestion, schema

ORG = "ABCDEF0123456789@AdobeOrg"
CONTEXT = "https://ns.adobe.com/xdm/context"
PROVIDER = "521eee4d-8cbe-4906-bb48-fb6bd4450033"
STALE = '"00000000-0000-0200-0000-000000000000"'
MANY = 45
#: Twice as long as a busy machine takes to apply one record.
PATIENCE_SECONDS = 60.0


def only_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: nothing else is asked for, whatever the client thinks its hosts are."""
    if event == "socket.getaddrinfo" and arguments[0] != "127.0.0.1":
        raise AssertionError(f"not this machine: {arguments[0]}")


def eventually(probe: Callable[[], Any]) -> Any:
    """What ``probe`` gives, once that is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := probe()):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def configure(api: str, collection: str) -> None:
    """All of the client's settings; but for the hosts they are as Adobe's console gives them out."""
    aepp.configure(ORG, "tech@techacct.adobe.com", "acme-secret", "acme-client", scopes="openid,AdobeID")
    aepp.config.endpoints["global"] = api
    aepp.config.endpoints["streaming"]["collection"] = collection
    aepp.config.config_object["oauthTokenEndpointV2"] = f"{api}/ims/token/v3"


def a_schema() -> str:
    """Made, read in every form, given an identity, and enabled for profiles; its id."""
    schemas = schema.Schema()
    assert schemas.getTenantId() == "acme"
    groups = [f"{CONTEXT}/profile-person-details", f"{CONTEXT}/profile-work-details", f"{CONTEXT}/identitymap"]
    made = schemas.createProfileSchema("ACME people", fieldGroupIds=groups, description="of tests")
    name: str = made["$id"]
    assert made["title"] == "ACME people"
    assert [each["$id"] for each in schemas.getSchemas() if each["title"] == "ACME people"] == [name]
    full = schemas.getSchema(name)
    assert {"person", "workEmail", "identityMap"} <= set(full["properties"])
    assert schemas.getSchema(made["meta:altId"], full=False)["$id"] == name
    assert "properties" in schemas.getSchema(name, Accept="application/vnd.adobe.xed-full-notext+json; version=1")
    assert schemas.getSchema(name, flat=True)["$id"] == name
    descriptor = schemas.createDescriptor(
        desc_type="xdm:descriptorIdentity",
        sourceSchema=name,
        sourceProperty="/workEmail/address",
        namespace="Email",
        primary=True,
        **{"xdm:property": "xdm:code"},
    )
    [found] = schemas.getDescriptors("xdm:descriptorIdentity", prop=f"xdm:sourceSchema=={name}")
    assert (found["@id"], found["xdm:namespace"]) == (descriptor["@id"], "Email")
    schemas.enableSchemaForRealTime(name)
    assert "union" in schemas.getSchema(name, full=False)["meta:immutableTags"]
    return name


def a_namespace() -> None:
    """One more than those that everybody has."""
    namespaces = identity.Identity()
    # Its host alone stands in the client's code.
    namespaces.endpoint = aepp.config.endpoints["global"] + aepp.config.endpoints["identity"]
    before = namespaces.getIdentities()
    assert "Email" in {each["code"] for each in before}
    made = namespaces.createIdentity("CRM", "CRMID", "CROSS_DEVICE")
    [only] = [each for each in namespaces.getIdentities(only_custom=True) if each["code"] == "CRMID"]
    assert (only["name"], only["id"]) == ("CRM", made["id"])
    assert len(namespaces.getIdentities()) == len(before) + 1


def a_dataset(schema_id: str) -> str:
    """Made, then enabled for profiles, and for parts of them; its id."""
    datasets = catalog.Catalog()
    [reference] = datasets.createDataSet(name="ACME dataset", schemaId=schema_id)
    name: str = reference.removeprefix("@/dataSets/")
    assert datasets.getDataSet(name)[name]["schemaRef"]["id"] == schema_id
    assert name in datasets.getDataSets()
    assert datasets.enableDatasetProfile(name) == [reference]
    assert datasets.getDataSet(name)[name]["tags"]["unifiedProfile"] == ["enabled:true"]
    datasets.enableDatasetIdentity(name)
    assert datasets.enableDatasetUpsert(name) == [reference]
    assert datasets.getDataSet(name)[name]["tags"]["unifiedProfile"] == ["enabled:true", "isUpsert:true"]
    return name


def connections(flows: Any, schema_id: str, dataset: str) -> tuple[str, str, str, str]:
    """Base, source and target; their ids, and the inlet's."""
    base = flows.createConnectionStreaming("ACME base", "acme-src", "raw", paramName="acme")["id"]
    shown = flows.getConnection(base)
    assert (shown["name"], shown["providerId"]) == ("ACME base", PROVIDER)
    assert base in {each["id"] for each in flows.getConnections()}
    flows.connectionTest(base)
    flows.patchConnection(base, [{"op": "replace", "path": "/description", "value": "new"}])
    assert flows.getConnection(base)["description"] == "new"
    source = flows.createSourceConnectionStreaming(base, "ACME source", format="json")["id"]
    target = flows.createTargetConnectionDataLake("ACME target", dataset, schema_id, "json")["id"]
    assert source in {each["id"] for each in flows.getSourceConnections()}
    assert target in {each["id"] for each in flows.getTargetConnections()}
    assert flows.getTargetConnection(target)["params"]["dataSetId"] == dataset
    return base, source, target, shown["auth"]["params"]["inletId"]


def a_mapping_set(schema_id: str) -> str:
    """Validated, read, with one more mapping, and replaced, so that its version is 2; its id."""
    prep = dataprep.DataPrep()
    rules = [
        {"sourceType": "ATTRIBUTE", "source": "firstName", "destination": "person.name.firstName"},
        {"sourceType": "ATTRIBUTE", "source": "email", "destination": "workEmail.address"},
    ]
    name: str = prep.createMappingSet(schema_id, rules, validate=True)["id"]
    assert prep.getMappingSet(name)["version"] == 0
    assert name in {each["id"] for each in prep.getMappingSets()}
    kept = prep.getMappingSetMappings(name)["data"]
    assert [each["destination"] for each in kept] == [each["destination"] for each in rules]
    more = {"sourceType": "ATTRIBUTE", "source": "lastName", "destination": "person.name.lastName"}
    prep.createMappingSetMapping(name, more)
    assert len(prep.getMappingSetMappings(name)["data"]) == 3
    rules[0] |= {"sourceType": "EXPRESSION", "source": "upper(firstName)"}
    prep.updateMappingSet(name, rules)
    assert prep.getMappingSet(name)["version"] == 2
    reference = {"schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"}}
    shown = prep.previewDataOutput({"firstName": "Jim"}, {"outputSchema": reference, "mappings": rules[:1]})
    assert shown["data"] == {"person": {"name": {"firstName": "JIM"}}}
    assert "upper" in {each["function"] for each in prep.getMappingSetFunctions()}
    assert prep.getMappingSetOperators()
    assert prep.validateExpression("upper(a)", name) is True
    return name


def a_flow(flows: Any, source: str, target: str, mapping_set: str) -> str:
    """Made with an older version of its mapping, moved to the newest, disabled and enabled; its id."""
    made = flows.createFlowStreaming(
        "ACME flow",
        source_connection_id=source,
        target_connection_id=target,
        transformation=True,
        transformation_mapping_id=mapping_set,
        transformation_name="Mapping",
    )
    name: str = made["flow"]["id"]
    assert made["source_connection_id"]["id"] == source
    manager = flowservice.FlowManager(name)
    told = manager.summary()
    assert (told["name"], manager.flowType, manager.datasetId) == (
        "ACME flow",
        "source",
        made["target_connection_id"]["params"]["dataSetId"],
    )
    assert (told["targetConnection"]["params"]["datasetName"], told["targetConnection"]["data"]["schema"]["name"]) == (
        "ACME dataset",
        "ACME people",
    )
    manager.updateFlowMapping(mapping_set)
    shown = flows.getFlow(name)
    assert shown["transformations"] == [{"name": "Mapping", "params": {"mappingId": mapping_set, "mappingVersion": 2}}]
    assert flows.updateFlow(name, STALE, [{"op": "replace", "path": "/name", "value": "z"}])["status"] == 412
    assert flows.getFlow(name)["name"] == "ACME flow"
    for action, state in (("disable", "disabled"), ("enable", "enabled")):
        assert flows.postFlowAction(name, action)["id"] == name
        assert flows.getFlow(name)["state"] == state
    return name


def messages(inlet: str, flow: str, schema_id: str, dataset: str) -> None:
    """One at once, one that is validated, one that is not valid, and a batch of which one is none."""
    sender = ingestion.DataIngestion()
    answer = sender.streamMessage(inlet, {"firstName": "Ada", "email": "ada@example.com"}, flow)
    assert (answer["inletId"], answer["xactionId"].count(":")) == (inlet, 2)
    reference = {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"}

    def xdm(email: str, gender: object) -> dict[str, Any]:
        header = {"schemaRef": reference, "imsOrgId": ORG, "datasetId": dataset, "source": {"name": "aepp"}}
        entity = {"workEmail": {"address": email}, "person": {"gender": gender}}
        return {"header": header, "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": entity}}

    answer = sender.streamMessage(inlet, xdm("jane@example.com", "female"), syncValidation=True)
    assert answer["syncValidation"] == {"status": "pass"}
    answer = sender.streamMessage(inlet, xdm("jane@example.com", 7), syncValidation=True)
    assert (answer["status"], answer["report"]["cause"]["_streamingValidation"][0]["keyword"]) == (400, "type")
    batch = [{"email": "bob@example.com", "firstName": "Bob"}, 7, xdm("max@example.com", 7)]
    answer = sender.streamMessages(inlet, batch, flow)
    assert [each.get("status") for each in answer["responses"]] == [None, 400, None]


def profiles() -> None:
    """What became of the messages."""
    reader = customerprofile.Profile()

    def named(email: str, first: str) -> bool:
        found = reader.getEntity(entityId=email, entityIdNS="Email")
        return any(each["entity"]["person"]["name"].get("firstName") == first for each in entities(found))

    def entities(found: dict[str, Any]) -> list[dict[str, Any]]:
        return [each for each in found.values() if isinstance(each, dict) and "entity" in each]

    eventually(lambda: named("ada@example.com", "ADA"))
    eventually(lambda: named("bob@example.com", "BOB"))
    assert reader.getEntityEvents(entityId="ada@example.com", entityIdNS="Email") is not None
    assert reader.getMergePolicies()


def failures(flow: str, flows: Any, dataset: str) -> None:
    """The record that was taken, and is not as the schema has it: in runs, and in a failed batch to be downloaded."""
    batches = catalog.Catalog()
    eventually(lambda: len(batches.getFailedBatchesDF()))
    frame = batches.getFailedBatchesDF()
    assert set(frame["dataSetId"]) == {dataset}
    assert [code for codes in frame["errorCode"] for code in codes]
    frame = batches.getFailedBatchesDF(n_results="inf")
    names = list(frame.index)
    assert set(names) == set(batches.getBatches(status="failed"))
    assert batches.getBatch(names[0])[names[0]]["status"] == "failed"
    assert batches.getLastBatches(dataset)
    assert len(batches.getMapperErrors()) == 0
    access = dataaccess.DataAccess()
    [file] = access.getBatchFailed(names[0])
    line = access.getBatchFailed(names[0], path=file["name"])
    assert line["body"]["xdmEntity"]["workEmail"]["address"] == "max@example.com"
    assert line["_errors"]["_streamingValidation"]
    [run] = flows.getRuns(prop=[f"flowId=={flow}"])
    assert run["flowId"] == flow
    assert flows.getRun(run["id"])[0]["metrics"]["recordSummary"]["inputRecordCount"] > 0


def many_flows(flows: Any, dataset: str, source: str, target: str) -> None:
    """All in one call, and page by page; then a flow with all that belongs to it, by its dataset alone."""
    ids = set()
    for number in range(MANY):
        made = flows.createFlow("d8a6f005-7eaf-4153-983e-e8574508b877", f"many {number:02}", source, target)
        ids.add(made["id"])
    for limit in (10, 20, 100):
        found = [each["id"] for each in flows.getFlows(limit=limit, n_results="inf")]
        assert len(set(found)) == len(found)
        assert ids < set(found)
    assert ids < {each["id"] for each in flows.getFlows(onlySources=True)}
    assert {each["id"] for each in flows.getFlows(filterSourceIds=[source])} >= ids
    made = flows.createFlowStreaming(datasetId=dataset)
    assert flows.getFlow(made["flow"]["id"])["name"] == "ACME dataset Stream"
    assert flows.deleteFlow(made["flow"]["id"]) == 204
    assert flows.deleteTargetConnection(made["target_connection_id"]["id"]) == 204
    assert len(flows.getConnections(limit=1, n_results="inf")) >= 2


def specifications(flows: Any) -> None:
    """What connections and flows can be made of."""
    assert flows.getConnectionSpecIdFromName("datalake") in {each["id"] for each in flows.getConnectionSpecs()}
    [spec] = flows.getFlowSpecs("name==Stream data with transformation")
    assert flows.getFlowSpec(spec["id"])["name"] == "Stream data with transformation"


def all_gone(flows: Any, base: str, source: str, target: str, mapping_set: str, dataset: str) -> None:
    """In the order in which nothing uses what goes; and is not there afterwards."""
    assert flows.deleteSourceConnection(source)["status"] == 400
    for each in flows.getFlows(n_results="inf", filterSourceIds=[source]):
        assert flows.deleteFlow(each["id"]) == 204
        assert flows.getFlow(each["id"]) == {}
    for delete, name in (
        (flows.deleteSourceConnection, source),
        (flows.deleteTargetConnection, target),
        (flows.deleteConnection, base),
        (dataprep.DataPrep().deleteMappingSet, mapping_set),
        (catalog.Catalog().deleteDataSet, dataset),
    ):
        assert (answer := delete(name)) == 204, answer


def main(api: str, collection: str) -> None:
    """All of it, in the order in which people do it."""
    configure(api, collection)
    schema_id = a_schema()
    a_namespace()
    dataset = a_dataset(schema_id)
    flows = flowservice.FlowService()
    specifications(flows)
    base, source, target, inlet = connections(flows, schema_id, dataset)
    mapping_set = a_mapping_set(schema_id)
    flow = a_flow(flows, source, target, mapping_set)
    messages(inlet, flow, schema_id, dataset)
    profiles()
    failures(flow, flows, dataset)
    many_flows(flows, dataset, source, target)
    all_gone(flows, base, source, target, mapping_set, dataset)


if __name__ == "__main__":
    sys.addaudithook(only_this_machine)
    main(*sys.argv[1:])
