"""Posts records to the data plane, as a sender does, and reads what became of each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.cli.shared.daemon_port import NoDaemon, exchange
from exporter.cli.source.violations import violation_lines
from exporter.sections.tls import Tls

#: How often what is answered 503 is sent again: the intake has no room now, and may have some soon.
TRIES: Final = 5
#: The longest wait that an answer may ask for, in seconds.
MOST_WAIT_SECONDS: Final = 60.0
#: Longer than ``serve.hold`` may reasonably be.
ANSWER_SECONDS: Final = 120.0


class NotTaken(Exception):
    """A request was refused as a whole, or nobody knows what became of it; the text says why, and names no inlet."""


@dataclass(frozen=True, slots=True)
class DataPlane:
    """Where records are sent, and as what. The repr has neither the inlet nor the token.

    Attributes:
        url: what stands before ``/collection``.
        inlet: 64 hexadecimal digits.
        flow: the id of the flow, for records that name none; None: as the server finds it.
        token: what is presented; None: nothing.
        tls: the certificates where ``url`` is https.
    """

    url: str
    inlet: str = field(repr=False)
    flow: str | None
    token: str | None = field(default=None, repr=False)
    tls: Tls = field(default_factory=Tls)

    def post(self, records: Sequence[bytes]) -> Mapping[int, str]:
        """Send a batch, again where the answer asks for that; the reasons of the records that were refused, by index.

        Raises:
            NotTaken: no record of the batch is known to be taken.
        """
        status, answer = self._answered(f"/collection/batch/{self.inlet}", b'{"messages":[%b]}' % b",".join(records))
        if status != 207:
            raise self._not_taken(status, answer)
        return self._refused(answer, len(records))

    def post_validated(self, record: bytes) -> str | None:
        """Send a record that is mapped and validated before the answer; why it was refused, None where it was taken.

        Raises:
            NotTaken: it is not known to be taken, for a reason that is none of the record's.
        """
        status, answer = self._answered(f"/collection/{self.inlet}?syncValidation=true", record)
        if status == 400:
            return "; ".join([self._sentence(answer) or "no reason", *self._violations(answer)])
        if status != 200 or "xactionId" not in answer:
            raise self._not_taken(status, answer)
        return None

    def _answered(self, path: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        """The status and the object that are answered in the end."""
        headers = {"Content-Type": "application/json"}
        if self.flow is not None:
            headers["x-adobe-flow-id"] = self.flow
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        unavailable = 0
        while True:
            try:
                status, answered, text = exchange(self.url, "POST", path, body, headers, ANSWER_SECONDS, self.tls)
            except NoDaemon as error:
                raise NotTaken(str(error)) from None
            # 500 is an overload, too, where ``serve.overload_status`` says so.
            full = status == 503 or (status == 500 and "retry-after" in answered)
            unavailable += full
            if not (full or status == 429) or unavailable == TRIES:
                return status, _object(text)
            time.sleep(_seconds(answered.get("retry-after")))

    def _not_taken(self, status: int, answer: Mapping[str, Any]) -> NotTaken:
        return NotTaken(f"{self.url} answers {status}: {self._sentence(answer) or 'no reason'}")

    def _refused(self, answer: Mapping[str, Any], count: int) -> Mapping[int, str]:
        found = answer.get("responses")
        elements = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        if len(elements) != count:
            raise NotTaken(f"{self.url} answers no element for each record: is exporter serve listening there?")
        return {
            index: self._without_inlet(str(element.get("message", "no reason")))
            for index, element in enumerate(elements)
            if "status" in element
        }

    def _sentence(self, answer: Mapping[str, Any]) -> str:
        report = answer.get("report")
        return self._without_inlet(str(report.get("message", ""))) if isinstance(report, dict) else ""

    def _violations(self, answer: Mapping[str, Any]) -> Sequence[str]:
        cause = answer["report"].get("cause") if isinstance(answer.get("report"), dict) else None
        found = cause.get("_streamingValidation") if isinstance(cause, dict) else None
        violations = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        return [line for each in violations for line in violation_lines(each)]

    def _without_inlet(self, text: str) -> str:
        """A sentence about an inlet without the words that name it: who knows an inlet may send."""
        _, about, sentence = text.partition("] imsOrgId: [")
        said = sentence.partition("] ")[2] if about else text
        return (said or text).replace(self.inlet, self.inlet[:8])


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(retry_after: str | None) -> float:
    """How long to wait; a second where the answer does not say it in seconds."""
    if retry_after is None or not retry_after.isdecimal():
        return 1.0
    return min(float(retry_after), MOST_WAIT_SECONDS)
