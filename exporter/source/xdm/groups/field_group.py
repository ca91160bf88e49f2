"""What a field group is, and what several of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.source.xdm.schema import Behaviour


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that belong together.

    Attributes:
        name: how schemas in the configuration name it.
        uri: how schemas in the registry refer to it.
        title: its name, for people.
        description: what its fields say.
        fields: types by path, as ``fields`` of a schema has them.
        extends: which records the fields are meant for.
    """

    name: str
    uri: str
    title: str
    description: str
    fields: Mapping[str, str]
    extends: tuple[Behaviour, ...] = (Behaviour.RECORD,)


def under(place: str, fields: Mapping[str, str]) -> dict[str, str]:
    """``fields`` below a place."""
    return {f"{place}.{path}": name for path, name in fields.items()}


#: A post address.
ADDRESS = {
    "primary": "boolean",
    "label": "string",
    "street1": "string",
    "street2": "string",
    "street3": "string",
    "street4": "string",
    "postOfficeBox": "string",
    "postalCode": "string",
    "city": "string",
    "region": "string",
    "state": "string",
    "stateProvince": "string",
    "country": "string",
    "countryCode": "string",
    "status": "string",
    "statusReason": "string",
    "lastVerifiedDate": "date",
    "_schema.latitude": "number",
    "_schema.longitude": "number",
}
EMAIL_ADDRESS = {
    "primary": "boolean",
    "address": "string",
    "label": "string",
    "type": "string",
    "status": "string",
    "statusReason": "string",
}
PHONE_NUMBER = {
    "primary": "boolean",
    "number": "string",
    "extension": "string",
    "label": "string",
    "type": "string",
    "validity": "string",
    "status": "string",
    "statusReason": "string",
}
