"""Namespaces of identities by API."""

from __future__ import annotations

from typing import Any

import pytest
from registry_parts import NAMESPACES, Plane

from exporter.source.control.namespaces import code_of, codes_of, declared_resources
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import made_before
from exporter.source.profiles.settings import NamespaceSettings

#: As aepp sends it.
CRM = {"name": "CRM", "code": "CRMID", "idType": "CROSS_DEVICE"}
_FIELDS = {"updateTime", "code", "status", "description", "id", "createTime", "idType", "name", "custom"}
_DECLARED = [NamespaceSettings(code="Loyalty", name="Card", id_type="CROSS_DEVICE"), NamespaceSettings(code="email")]


async def test_all_namespaces_are_listed() -> None:
    plane = Plane(declared_resources(_DECLARED, "exporter.yaml", 5))
    assert (await plane.ask("POST", NAMESPACES, CRM)).status == 201
    listed = (await plane.ask("GET", NAMESPACES + "/")).body
    assert all(each.keys() == _FIELDS for each in listed)
    codes = [each["code"] for each in listed]
    assert {"ECID", "Phone", "Email_LC_SHA256", "AdCloud", "CORE", "IDFA", "GAID", "WAID", "FPID"} <= set(codes)
    assert codes[-3:] == ["Loyalty", "email", "CRMID"]
    assert "Email" not in codes  # that one is declared
    assert [each["custom"] for each in listed[-3:]] == [True] * 3
    assert len({each["id"] for each in listed}) == len({each["code"].lower() for each in listed}) == len(listed)
    for each in (listed[0], *listed[-3:]):
        for name in (each["code"], str(each["id"]), each["code"].lower()):
            assert (await plane.ask("GET", f"{NAMESPACES}/{name}")).body == each
    assert (await plane.ask("GET", f"{NAMESPACES}/no")).status == 404


async def test_namespaces_that_are_made_have_numbers_of_their_own_and_stay() -> None:
    plane = Plane()
    first = (await plane.ask("POST", NAMESPACES, CRM)).body
    second = (await plane.ask("POST", NAMESPACES, {**CRM, "code": "Other", "description": "d"})).body
    assert (first["code"], first["name"], first["idType"], first["custom"]) == ("CRMID", "CRM", "CROSS_DEVICE", True)
    assert second["id"] == first["id"] + 1
    assert second["description"] == "d"
    objects = Objects(await made_before(plane.made))
    assert {"crmid", "other", "email", "ecid"} <= codes_of(objects)
    assert (code_of(objects, "crmID"), code_of(objects, str(second["id"])), code_of(objects, "no")) == (
        "CRMID",
        "Other",
        None,
    )


def test_declared_namespaces_are_known() -> None:
    assert "loyalty" in codes_of(Objects(declared_resources(_DECLARED, "exporter.yaml", 5)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"code": "ecid"}, "There is a namespace with this code"),
        ({"code": "EMAIL"}, "There is a namespace with this code"),
        ({"code": "crmid"}, "There is a namespace with this code"),
        ({"code": "loyalty"}, "There is a namespace with this code"),
        ({"code": "CRM ID"}, "code should be"),
        ({"code": ""}, "code should be"),
        ({"code": 1}, "body.code must be string"),
        ({"name": None}, "body.name must be string"),
        ({"idType": "ODD"}, "idType should be one of"),
        ({"idType": None}, "body.idType must be string"),
        ({"description": 1}, "body.description must be string"),
    ],
)
async def test_what_is_no_new_namespace_is_refused(fields: dict[str, Any], words: str) -> None:
    plane = Plane(declared_resources(_DECLARED, "exporter.yaml", 5))
    assert (await plane.ask("POST", NAMESPACES, CRM)).status == 201
    kept = dict(plane.made.kept)
    reply = await plane.ask("POST", NAMESPACES, {**CRM, "code": "New", **fields})
    assert (reply.status, reply.body["status"]) == (400, 400)
    assert words in reply.body["errorDetails"]
    assert plane.made.kept == kept


async def test_types_of_companies_are_taken() -> None:
    assert (await Plane().ask("POST", NAMESPACES, {**CRM, "idType": "B2B_ACCOUNT"})).status == 201
