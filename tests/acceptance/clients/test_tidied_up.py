"""What was made is deleted at once, in the order of a script that tidies up, while records of it wait: none is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from control_api import FLOWS, HTTP_SPEC, LAKE_SPEC, MAPPED_SPEC, Api, mapping
from harness import Place
from processes import eventually, fetch
from serving import serve, way_in

REGISTRY, DATA_SETS = "/data/foundation/schemaregistry/tenant", "/data/foundation/catalog/dataSets"
SETS = "/data/foundation/conversion/mappingSets"
RECORDS = 300


def test_all_goes_at_once_and_what_was_taken_is_applied(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        place.write()
        serving = serve(place).ready()
        api = Api(place)
        groups = ("profile", "profile-work-details")
        allof = [{"$ref": f"https://ns.adobe.com/xdm/context/{each}"} for each in groups]
        status, schema = api.ask("POST", f"{REGISTRY}/schemas", {"title": "people", "type": "object", "allOf": allof})
        assert status == 201
        identity = {
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": schema["$id"],
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/workEmail/address",
            "xdm:namespace": "Email",
            "xdm:isPrimary": True,
        }
        assert api.ask("POST", f"{REGISTRY}/descriptors", identity)[0] == 201
        reference = {"id": schema["$id"], "contentType": "application/vnd.adobe.xed+json;version=1"}
        tags = {"unifiedProfile": ["enabled:true"]}
        _, answer = api.ask("POST", DATA_SETS, {"name": "made", "schemaRef": reference, "tags": tags})
        dataset = answer[0].removeprefix("@/dataSets/")
        mappings = [{"sourceType": "ATTRIBUTE", "source": "mail", "destination": "workEmail.address"}]
        set_id = api.create(SETS, {"outputSchema": {"schemaRef": reference}, "mappings": mappings})
        auth = {"specName": "Streaming Connection", "params": {"dataType": "raw"}}
        base = api.create(f"{FLOWS}/connections", {"name": "base", "connectionSpec": HTTP_SPEC, "auth": auth})
        api.inlet = api.shown("connections", base)["auth"]["params"]["inletId"]
        begins = api.create(
            f"{FLOWS}/sourceConnections", {"name": "s", "baseConnectionId": base, "connectionSpec": HTTP_SPEC}
        )
        ends = api.create(
            f"{FLOWS}/targetConnections", {"name": "t", "connectionSpec": LAKE_SPEC, "params": {"dataSetId": dataset}}
        )
        ways = {"sourceConnectionIds": [begins], "targetConnectionIds": [ends]}
        flow = api.create(
            f"{FLOWS}/flows", {"name": "f", "flowSpec": MAPPED_SPEC, **ways, "transformations": [mapping(set_id)]}
        )
        for number in range(RECORDS):
            assert api.post({"mail": f"m{number}@example.com"}, flow) == 200
        for path in (
            f"{FLOWS}/flows/{flow}",
            f"{FLOWS}/targetConnections/{ends}",
            f"{FLOWS}/sourceConnections/{begins}",
            f"{FLOWS}/connections/{base}",
            f"{SETS}/{set_id}",
            f"{DATA_SETS}/{dataset}",
            f"{REGISTRY}/schemas/{schema['meta:altId']}",
        ):
            status, answer = api.ask("DELETE", path)
            assert status in (200, 204), (path, answer)
        api.close()
        serving.kill()
        serving = serve(place).ready()

        def shown() -> dict[str, Any]:
            return dict(json.loads(fetch(f"http://127.0.0.1:{serving.port}/status")[1]))

        eventually("all is applied", lambda: serving.alive() and shown()["profiles"] == RECORDS)
        assert shown()["bad_records"] == 0
        assert serving.terminate() == 0
