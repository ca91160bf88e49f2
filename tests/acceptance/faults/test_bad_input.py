"""Bytes that nobody should put on a queue: each becomes a dead letter that says where, and the next event goes on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from events import SEGMENT, Sent
from harness import Place
from judging import judged
from processes import eventually

MAX_EVENT_BYTES = 64 * 1024


def _event(id_: str, **more: Any) -> dict[str, Any]:
    return {**Sent(id_, f"profile of {id_}", 0).document(), **more}


def _text(document: dict[str, Any], old: str = "", new: str = "") -> bytes:
    text = json.dumps(document, ensure_ascii=True)
    assert not old or text.count(old) == 1
    return text.replace(old, new).encode()


def _wrong(id_: str, **profile: Any) -> bytes:
    """An event that fires, with something of a wrong type inside its profile."""
    document = _event(id_)
    document["profile"].update(profile)
    return _text(document)


#: What it is, the bytes, and where it says that it is wrong.
BAD: list[tuple[str, bytes, str]] = [
    ("blanks", b" \n", "byte 0"),
    ("a schema registry's frame", b"\0\0\0\0\7" + _text(_event("frame")), "byte 0"),
    ("not JSON", b"profile,state\n1,2\n", "byte "),
    ("cut off", _text(_event("cut"))[:-10], "byte "),
    ("a list", b"[1, 2]", ""),
    ("invalid UTF-8", _text(_event("utf8", note="?")).replace(b'"?"', b'"\xff"'), "byte "),
    ("NaN", _text(_event("nan", note="?"), '"?"', "NaN"), "byte "),
    ("NaN in the profile", _text(_event("nan2"), '"state": 0', '"state": NaN'), "byte "),
    ("a lone surrogate", _wrong("lone", identityMap={"ecid": [{"id": "\ud800"}]}), "profile.identityMap"),
    ("nested 10,000 deep", _text(_event("deep", note="?"), '"?"', "[" * 10_000 + "]" * 10_000), "byte "),
    ("nested in the profile", _text(_event("deep2"), '"state": 0', '"s":' + "[" * 10_000 + "]" * 10_000), "byte "),
    ("too large", _text(_event("large", note="x" * MAX_EVENT_BYTES)), f"byte {MAX_EVENT_BYTES}"),
    ("no profileId", _text({"id": "anonymous", "profile": {}}), "profileId"),
    ("profileId a number", _text(_event("number", profileId=7)), "profileId"),
    ("id a list", _text(_event("id", id=["x"])), "id"),
    ("changes a list", _text(_event("changes", changes=[])), "changes"),
    ("a bad status", _text(_event("to", changes={"segments": [{"id": "s", "to": "gone"}]})), "changes.segments[0].to"),
    ("profile a string", _text(_event("string", profile="p-1")), "profile"),
    ("identityMap a list", _wrong("map", identityMap=[1]), "profile.identityMap"),
    ("identity a string", _wrong("identity", identityMap={"ecid": ["x"]}), "profile.identityMap.ecid[0]"),
    ("membership a string", _wrong("member", segmentMembership={"ups": {SEGMENT: "x"}}), "profile.segmentMembership"),
]

#: What only looks bad: the profile, and bytes that are exported or excluded, and no dead letter.
HARMLESS: list[tuple[str, bytes]] = [
    ("odd-time", _text(_event("odd-time", occurredAt="yesterday"))),
    ("epoch", _text(_event("epoch", occurredAt=1795169700000))),
    ("minute", _text(_event("minute", occurredAt="2026-11-20T10:15Z"))),
    ("lone", _text(_event("lone", note="\ud800"))),
]


def test_what_harms_nobody_is_exported_and_a_tombstone_excluded(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        place.publish([b"", *(body for _, body in HARMLESS)])
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert place.dead_letters() == []
        assert daemon.terminate() == 0
        profiles = {json.loads(each.body)["crm"]["profile"] for each in receiver.received()}
        assert profiles == {f"profile of {id_}" for id_, _ in HARMLESS}


#: Ids that no header can carry as they are: sent with the hash of destination and id as the key.
ODD_IDS = ["line\r\nbreak: yes", "Zoë-λ-😀", "x" * 300]


def test_every_bad_event_is_a_dead_letter_that_says_where_and_the_next_is_exported(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url, delivery={"pause_after_rejections": 0})
        place.config["max_event_bytes"] = MAX_EVENT_BYTES
        place.write()
        good = [Sent(f"good-{number}", "the good profile", number) for number in range(len(BAD) + 1)]
        for event, (_, body, _) in zip(good, BAD, strict=False):
            place.publish([event, body])
        place.publish([good[-1]])
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        letters = place.dead_letters()
        assert len(letters) == len(BAD)
        assert {(letter["reason"], letter["status"]) for letter in letters} == {("malformed", None)}
        # The queue holds a good event before each bad one, so positions tell which letter is whose.
        by_position = sorted(letters, key=lambda letter: int(letter["position"]))
        for letter, (name, _, where) in zip(by_position, BAD, strict=True):
            print(f"{name}: {letter['detail']}")
            assert letter["detail"].startswith(where), f"{name}: {letter['detail']}"
        assert daemon.terminate() == 0
        judgement = judged("crm", good, receiver.received())
        assert judgement.sound, str(judgement)
        assert (judgement.delivered, judgement.duplicates) == (len(good), 0)


def test_ids_that_no_header_can_carry_are_exported_under_their_hash(tmp_path: Path) -> None:
    with Place(tmp_path) as place:
        receiver = place.receiver()
        place.destination("crm", receiver.url)
        place.write()
        place.publish([_text(_event(id_, profileId=f"profile {id_}")) for id_ in ODD_IDS])
        daemon = place.daemon().ready()
        eventually("all is settled", lambda: daemon.alive() and place.settled("crm"))
        assert place.dead_letters() == []
        assert daemon.terminate() == 0
        received = receiver.received()
        keys = {each.idempotency_key for each in received}
        assert keys == {hashlib.sha256(f"crm:{id_}".encode()).hexdigest() for id_ in ODD_IDS}
        profiles = {json.loads(each.body)["crm"]["profile"] for each in received}
        assert profiles == {f"profile of {id_}" for id_ in ODD_IDS}
