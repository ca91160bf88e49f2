"""Field groups about a person: who they are, and how to reach them at home and at work."""

from __future__ import annotations

from exporter.source.xdm.groups.field_group import ADDRESS, EMAIL_ADDRESS, PHONE_NUMBER, FieldGroup, under

PERSON = FieldGroup(
    "person",
    "https://ns.adobe.com/xdm/context/profile-person-details",
    "Person details",
    "Who the person is: names, birth, gender, languages.",
    under(
        "person",
        {
            "name.firstName": "string",
            "name.middleName": "string",
            "name.lastName": "string",
            "name.fullName": "string",
            "name.courtesyTitle": "string",
            "name.suffix": "string",
            "birthDate": "date",
            "birthDayAndMonth": "string",
            "birthYear": "integer",
            "gender": "string",
            "maritalStatus": "string",
            "nationality": "string",
            "taxId": "string",
        },
    )
    | {"preferredLanguage": "string", "timeZone": "string"},
)

PERSONAL_CONTACT = FieldGroup(
    "personal_contact",
    "https://ns.adobe.com/xdm/context/profile-personal-details",
    "Personal contact details",
    "How to reach the person at home.",
    under("personalEmail", EMAIL_ADDRESS)
    | under("homeAddress", ADDRESS)
    | under("mailingAddress", ADDRESS)
    | under("billingAddress", ADDRESS)
    | under("shippingAddress", ADDRESS)
    | under("homePhone", PHONE_NUMBER)
    | under("mobilePhone", PHONE_NUMBER)
    | under("faxPhone", PHONE_NUMBER),
)

WORK_CONTACT = FieldGroup(
    "work_contact",
    "https://ns.adobe.com/xdm/context/profile-work-details",
    "Work contact details",
    "How to reach the person at work.",
    under("workEmail", EMAIL_ADDRESS)
    | under("workAddress", ADDRESS)
    | under("workPhone", PHONE_NUMBER)
    | {"organizations": "string[]"},
)
