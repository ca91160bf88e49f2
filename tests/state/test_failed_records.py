"""The failed records of a batch as files of JSON lines, from every kind of state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bad_records_made import INLET, bad, refused
from state_kinds import Opened

from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.profiles.tally import HOUR_MS
from exporter.source.runs import failed_records
from exporter.source.runs.failed_records import FailedRecords, line_of
from exporter.state.bad_record import BadRecord
from exporter.state.bad_records import BadRecords

HOUR = 500_000 * HOUR_MS
ROOM = 1 << 30


def message(body: bytes) -> bytes:
    return TakenRecord("1:0:0", HOUR, INLET, "f", "d", Form.RAW, body).to_bytes()


@pytest.fixture
def records(opened: Opened) -> BadRecords:
    return BadRecords(opened.bad_records)


async def kept(records: BadRecords, numbers: range, **values: object) -> None:
    given = {"flow": "f", "dataset": "d", "taken": HOUR + 5, **values}
    await records.keep([bad(each, **given, message=message(b'{"n": %d}' % each)) for each in numbers], ROOM)


async def lines(failed: FailedRecords, name: str) -> list[int]:
    content = await failed.content(name)
    assert content is not None
    return [json.loads(each)["n"] for each in content.splitlines()]


async def test_every_record_of_the_batch_is_in_one_file(records: BadRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_records, "FILE_RECORDS", 3)
    await kept(records, range(2))
    await kept(records, range(100, 102), taken=HOUR - 1)
    await kept(records, range(102, 104), taken=HOUR + HOUR_MS)
    await kept(records, range(104, 106), flow="")
    await kept(records, range(106, 108), dataset="other")
    await records.remember_refused([refused(108, flow="f", dataset="d", taken=HOUR, message=b'{"n": 108}')])
    await kept(records, range(2, 7))
    failed = FailedRecords(records, HOUR, "f", "d")
    files = await failed.files(None, 10)
    found = [await lines(failed, each.name) for each in files]
    assert found == [[0, 1, 2], [3, 4, 5], [6]]
    for each in files:
        content = await failed.content(each.name)
        assert content is not None
        assert len(content) == each.length
    assert [each.name for each in await failed.files(files[0].last, 1)] == [files[1].name]
    assert [await lines(each, (await each.files(None, 9))[0].name) for each in (
        FailedRecords(records, HOUR, "", "d"), FailedRecords(records, HOUR, "f", "other"),
    )] == [[104, 105], [106, 107]]  # fmt: skip
    # What is kept later makes the last file longer; its name goes on to mean what was listed.
    await kept(records, range(7, 9))
    assert await lines(failed, files[2].name) == [6]
    # What is applied is in no file any more, and a file that began with it has another name.
    await records.applied(["1000:0:1", "1000:0:3"])
    assert await lines(failed, files[0].name) == [0, 2]
    assert await failed.content(files[1].name) is None
    assert [await lines(failed, each.name) for each in await failed.files(None, 10)] == [[0, 2, 4], [5, 6, 7], [8]]


async def test_a_file_ends_at_its_bytes(records: BadRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_records, "FILE_BYTES", 100)
    await kept(records, range(5))
    failed = FailedRecords(records, HOUR, "f", "d")
    assert [await lines(failed, each.name) for each in await failed.files(None, 10)] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    "name",
    [
        "", "../failed-1-2.json", "/etc/passwd", "state.db", "failed-1-1.json/", "failed-0-1.json", "failed-9-9.json",
        "failed-1-2.json", "failed-1-2.json\n", "failed-\u0661-1.json", f"failed-1-{9 * 10**18}.json",
        f"failed-{2**63}-{2**63}.json",
    ],
)  # fmt: skip
async def test_a_name_that_is_not_listed_opens_nothing(records: BadRecords, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    await kept(records, range(1))
    assert await FailedRecords(records, HOUR, "f", "d").content(name) is None


@pytest.mark.parametrize(
    ("body", "violations", "line"),
    [
        (b'{"a": 1}', b'[{"k":1}]', b'{"a": 1,"_errors":{"_streamingValidation":[{"k":1}]}}\n'),
        (b' {\r\n "a":\n1.50 }\n', b'[{"k":1}]', b'{   "a": 1.50,"_errors":{"_streamingValidation":[{"k":1}]}}\n'),
        (b"{ }", b'[{"k":1}]', b'{"_errors":{"_streamingValidation":[{"k":1}]}}\n'),
        (
            b'{"a":"\\n"}',
            b"[]",
            b'{"a":"\\n","_errors":{"_streamingValidation":[{"schemaLocation":"#","pointerToViolation":"#",'
            b'"causingExceptions":[],"message":"its flow is gone"}]}}\n',
        ),
    ],
)
def test_a_line_is_the_message_as_it_was_sent_and_why_it_failed(body: bytes, violations: bytes, line: bytes) -> None:
    new = bad(1, message=message(body), violations=violations, detail="its flow is gone")
    fields = {name: getattr(new, name) for name in new.__dataclass_fields__}
    assert line_of(BadRecord(id=1, **fields)) == line
