"""Namespaces of identities by API: those that are built in, those that the configuration declares, and those made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from exporter.source.collection.checks.answers import Answer
from exporter.source.control.answers import failed, found
from exporter.source.control.objects.making import Making, declared_resource
from exporter.source.control.objects.objects import Objects
from exporter.source.control.objects.register import Change, Register
from exporter.source.control.objects.resource import Kind, Resource
from exporter.source.control.profile_shapes import NAMESPACE
from exporter.source.control.request import Request
from exporter.source.control.routes import Reads, Route
from exporter.source.control.shapes import array, fields, named, texts
from exporter.source.profiles.settings import NamespaceSettings

PATH: Final = "/data/core/idnamespace/identities"
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,74}")
_ID_TYPES: Final = ("COOKIE", "CROSS_DEVICE", "DEVICE", "EMAIL", "MOBILE", "NON_PEOPLE", "PHONE")
#: Further types, for ids of companies.
_OF_COMPANIES: Final = re.compile(r"B2B_[A-Z_]{1,60}")
#: Ids of namespaces that are made count from here; those of declared ones are made of their codes, and lie above.
_FIRST_MADE: Final = 10_000
_FIRST_DECLARED: Final = 1_000_000_000
_LONGEST_TEXT: Final = 1000


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """A namespace that is always there. Those ids that nobody has published are ours."""

    id: int
    code: str
    id_type: str
    name: str


_BUILT_IN: Final = (
    _BuiltIn(0, "CORE", "COOKIE", "CORE"),
    _BuiltIn(4, "ECID", "COOKIE", "ECID"),
    _BuiltIn(6, "Email", "EMAIL", "Email"),
    _BuiltIn(7, "Phone", "PHONE", "Phone"),
    _BuiltIn(8, "WAID", "DEVICE", "Windows AID"),
    _BuiltIn(9, "TNTID", "COOKIE", "Target"),
    _BuiltIn(11, "Email_LC_SHA256", "EMAIL", "Emails (SHA256, lowercased)"),
    _BuiltIn(12, "Phone_SHA256", "PHONE", "Phone (SHA256)"),
    _BuiltIn(13, "Phone_E.164", "PHONE", "Phone (E.164)"),
    _BuiltIn(14, "Phone_SHA256_E.164", "PHONE", "Phone (SHA256_E.164)"),
    _BuiltIn(15, "FPID", "COOKIE", "First-party device id"),
    _BuiltIn(16, "AVID", "COOKIE", "AVID"),
    _BuiltIn(411, "AdCloud", "COOKIE", "AdCloud"),
    _BuiltIn(20914, "GAID", "DEVICE", "Google Ad ID"),
    _BuiltIn(20915, "IDFA", "DEVICE", "Apple IDFA"),
)


def declared_resources(sections: Sequence[NamespaceSettings], file: str, at: int) -> Iterator[Resource]:
    """What ``identities.declared`` of a ``file`` declares, which was read ``at`` epoch milliseconds."""
    for section in sections:
        digest = sha256(section.code.lower().encode()).digest()
        fields = {
            "id": _FIRST_DECLARED + int.from_bytes(digest[:4], "big") % _FIRST_DECLARED,
            "code": section.code,
            "name": section.name or section.code,
            "idType": section.id_type,
        }
        yield declared_resource(Kind.NAMESPACE, section.code.lower(), fields, file, at)


def codes_of(objects: Objects) -> frozenset[str]:
    """The codes of all namespaces that there are, in lower case: built in, declared and made."""
    return frozenset(each["code"].lower() for each in _listed(objects))


def code_of(objects: Objects, name: str) -> str | None:
    """The code of the namespace that has this code, in any case, or this number; None where there is none."""
    return next((each["code"] for each in _listed(objects) if name in (each["code"], str(each["id"]))), None) or next(
        (each["code"] for each in _listed(objects) if name.lower() == each["code"].lower()), None
    )


def _listed(objects: Objects) -> list[dict[str, Any]]:
    """All namespaces as they are shown; one that is declared or made stands in for one that is built in."""
    own = objects.all(Kind.NAMESPACE)
    codes = {each.id for each in own}
    built_in = [
        _shown({"id": each.id, "code": each.code, "name": each.name, "idType": each.id_type}, custom=False)
        for each in _BUILT_IN
        if each.code.lower() not in codes
    ]
    return built_in + [_shown(each.fields, custom=True, resource=each) for each in own]


def _shown(fields: Mapping[str, Any], *, custom: bool, resource: Resource | None = None) -> dict[str, Any]:
    created, updated = (0, 0) if resource is None else (resource.created.at, resource.updated.at)
    return {
        "updateTime": updated,
        "code": fields["code"],
        "status": "ACTIVE",
        "description": fields.get("description") or f"{fields['name']} Namespace",
        "id": fields["id"],
        "createTime": created,
        "idType": fields["idType"],
        "name": fields["name"],
        "custom": custom,
    }


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The path of namespaces."""

    register: Register
    making: Making

    async def all(self, _: Request) -> Answer:
        """All namespaces, as an array."""
        return found(_listed(self.register.objects))

    async def get(self, request: Request) -> Answer:
        """One namespace, by its number or its code."""
        code = code_of(self.register.objects, request.ids["id"])
        if code is None:
            return failed(404, "1439-404", "There is no namespace with this id")
        return found(next(each for each in _listed(self.register.objects) if each["code"] == code))

    async def post(self, request: Request) -> Answer:
        """Makes a namespace, whose code no other one has in any case."""
        given = request.json_object()
        if isinstance(given, Answer):
            return given
        fields = _fields_of(given)
        if isinstance(fields, Answer):
            return fields
        key = fields["code"].lower()

        def edit(objects: Objects) -> Change | Answer:
            if key in codes_of(objects):
                return failed(400, "1400-400", "There is a namespace with this code")
            # One that is declared by now keeps the number that it was made with.
            numbers = (each.fields["id"] for each in objects.all(Kind.NAMESPACE))
            made = [number for number in numbers if number < _FIRST_DECLARED]
            numbered = {"id": max([_FIRST_MADE, *made]) + 1, **fields}
            resource = self.making.made(Kind.NAMESPACE, key, numbered, request)
            return Change(objects.put(resource), found(_shown(numbered, custom=True, resource=resource), 201))

        return await self.register.change(edit)


def _fields_of(given: Mapping[str, Any]) -> dict[str, Any] | Answer:
    """The fields of a new namespace, or what is wrong with them."""
    code, name, id_type, description = (given.get(key) for key in ("code", "name", "idType", "description"))
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        words = "code should be 1 to 75 letters and digits, with _ . - between, and without blanks"
        return failed(400, "1400-400", words)
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_TEXT:
        return failed(400, "1400-400", "name should be a text")
    if not isinstance(id_type, str) or not (id_type in _ID_TYPES or _OF_COMPANIES.fullmatch(id_type)):
        return failed(400, "1400-400", f"idType should be one of {', '.join(_ID_TYPES)}")
    if not isinstance(description, str | None) or len(description or "") > _LONGEST_TEXT:
        return failed(400, "1400-400", "description should be a text")
    return {"code": code, "name": name, "idType": id_type} | ({"description": description} if description else {})


def routes_of(register: Register, making: Making) -> Iterator[Route]:
    """The rows of the table."""
    namespaces = Namespaces(register, making)
    listed, one, made = {200: array(NAMESPACE)}, {200: NAMESPACE}, {201: NAMESPACE}
    yield Route("GET", PATH, "listNamespaces", "List the namespaces of identities.", namespaces.all, answers=listed)
    summary = "Read a namespace, by its number or its code."
    yield Route("GET", f"{PATH}/{{id}}", "getNamespace", summary, namespaces.get, answers=one)
    body = named("NewNamespace", fields(texts("name", "code", "idType"), texts("description")))
    yield Route("POST", PATH, "createNamespace", "Make a namespace.", namespaces.post, Reads.JSON, body, made)
