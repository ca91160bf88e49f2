"""Adobe's own samples, from the event on the queue to the document that is sent."""

from __future__ import annotations

import json

import pytest
from profile_given import EXAMPLES, change, event, mapping, mapping_of, member

from exporter.profile.decision import Excluded, Fired
from exporter.profile.document.payload import compile_payload
from exporter.profile.triggers import compile_triggers

NAMES = sorted(file.name.removesuffix(".given.json") for file in EXAMPLES.glob("*.given.json"))


def test_there_are_examples() -> None:
    assert len(NAMES) == 4


@pytest.mark.parametrize("name", NAMES)
def test_an_example_gives_its_sample(name: str) -> None:
    given = json.loads((EXAMPLES / f"{name}.given.json").read_text(encoding="utf-8"))
    expected = json.loads((EXAMPLES / f"{name}.expected.json").read_text(encoding="utf-8"))
    mapped = mapping_of(given)
    found = change(given["event"])

    assert compile_triggers(mapped)(found) == Fired(("segment",))
    body = compile_payload(mapped)(found)
    assert isinstance(body, bytes)
    assert json.loads(body) == expected
    # The order is the samples' too, which a person compares by eye.
    assert json.dumps(json.loads(body)) == json.dumps(expected)


class TestTheSeedsDataflow:
    """Three mapped segments and four mapped attributes, as Adobe explains its export rules by."""

    attributes = ("person.name.firstName", "person.name.lastName", "personalEmail.address", "person.birthDate")
    mapped = mapping("lawn-cars", "second", "third", attributes=attributes)
    person = {  # noqa: RUF012 - never changed
        "person": {"name": {"firstName": "John", "lastName": "Doe"}, "birthDate": "1980-01-02", "gender": "male"},
        "personalEmail": {"address": "john.doe@acme.com"},
    }
    sent = {  # noqa: RUF012
        "person": {"name": {"firstName": "John", "lastName": "Doe"}, "birthDate": "1980-01-02"},
        "personalEmail": {"address": "john.doe@acme.com"},
    }

    def test_a_profile_enters_one_and_is_in_two_unmapped_ones_and_exactly_these_three_are_sent(self) -> None:
        profile = self.person | member("lawn-cars", "science-fiction", "back-to-the-future")
        found = change(event({"segments": [{"id": "lawn-cars", "from": None, "to": "realized"}]}, profile))

        assert compile_triggers(self.mapped)(found) == Fired(("segment",))
        document = json.loads(compile_payload(self.mapped)(found))  # type: ignore[arg-type]
        assert set(document["segmentMembership"]["ups"]) == {"lawn-cars", "science-fiction", "back-to-the-future"}
        assert document == self.sent | member("lawn-cars", "science-fiction", "back-to-the-future")

    def test_five_new_members_of_a_segment_of_a_hundred_give_five_documents_with_every_mapped_attribute(self) -> None:
        decide, build = compile_triggers(self.mapped), compile_payload(self.mapped)
        documents = []
        for number in range(100):
            is_new = number % 20 == 7
            changes = {"segments": [{"id": "second", "from": None if is_new else "realized", "to": "realized"}]}
            found = change(event(changes, self.person | member("second"), profileId=f"p-{number}"))
            if decide(found) == Fired(("segment",)):
                documents.append(json.loads(build(found)))  # type: ignore[arg-type]
        assert documents == [self.sent | member("second")] * 5

    @pytest.mark.parametrize("attribute", attributes)
    def test_each_mapped_attribute_triggers_by_itself(self, attribute: str) -> None:
        found = change(event({"attributes": [attribute]}, self.person | member("third")))
        assert compile_triggers(self.mapped)(found) == Fired(("attribute",))

    def test_a_change_of_unmapped_segments_and_attributes_is_no_trigger(self) -> None:
        changes = {
            "segments": [{"id": "science-fiction", "from": None, "to": "realized"}],
            "attributes": ["person.gender"],
        }
        found = change(event(changes, self.person | member("third", "science-fiction")))
        assert compile_triggers(self.mapped)(found) == Excluded("no_trigger")

    def test_a_backfill_event_is_exported_to_its_destination_only(self) -> None:
        profile = self.person | member("lawn-cars", status="existing")
        found = change(event({"backfill": True}, profile, destination="crm"))
        other = mapping("lawn-cars", attributes=self.attributes, destination="other")

        assert compile_triggers(self.mapped)(found) == Fired(("backfill",))
        assert compile_triggers(other)(found) == Excluded("other_destination")
        document = json.loads(compile_payload(self.mapped)(found))  # type: ignore[arg-type]
        assert document == self.sent | member("lawn-cars", status="existing")
