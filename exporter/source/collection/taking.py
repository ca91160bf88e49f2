"""What a listener asks of the data plane, from the head of a request to its answer; any listener may."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from exporter.source.collection.checks.admission import Admitted, admit, too_large
from exporter.source.collection.checks.answers import Answer, about, overloaded, problem, unauthorised
from exporter.source.collection.checks.collected import Refused
from exporter.source.collection.checks.collecting import Validate, collect
from exporter.source.collection.checks.request import RequestHead
from exporter.source.collection.checks.successes import batch
from exporter.source.collection.intake import Keep, Kept, Outcome
from exporter.source.collection.keeping import Keeping
from exporter.source.collection.plane import Plane
from exporter.source.collection.rates import Rates
from exporter.source.collection.stamps import Stamps
from exporter.source.tokens.verdicts import Tokens, Verdict
from exporter.tasks.late_deadlines import answered_within

_TOO_LARGE = "Message is larger than the intake takes"


def _valid(record: object, message: Mapping[str, Any]) -> None:
    """Without a validation every record is valid."""


def _forget(refused: Sequence[Refused]) -> None:
    """Without a place for them, refused elements are told in the answer only."""


@dataclass(slots=True)
class Taking:
    """The data plane behind its listeners.

    Attributes:
        plane: the configuration in force; a new one may be put in its place at any time.
        stamps: names and times.
        keep: makes records durable.
        tokens: judges the tokens of senders.
        validate: maps and validates a record, for synchronous validation.
        refused: is told of elements of batches that are not kept. Must not raise.
        clock: monotonic seconds, for rates.
    """

    plane: Plane
    stamps: Stamps
    keep: Keep
    tokens: Tokens
    clock: Callable[[], float]
    validate: Validate = _valid
    refused: Callable[[Sequence[Refused]], None] = _forget
    _rates: Rates = field(default_factory=Rates)
    _sync_rates: Rates = field(default_factory=lambda: Rates(60.0))

    def admit(self, head: RequestHead) -> Admitted | Answer:
        """What the head alone decides; the token is judged by ``known_token`` or ``judged_token``."""
        return admit(head, self.plane)

    def known_token(self, request: Admitted) -> bool | Answer | None:
        """Whether the sender is authenticated, or the refusal; None: ``judged_token`` must be awaited."""
        inlet = request.inlet
        if not request.token:
            return _with(request, unauthorised(inlet, "is empty")) if inlet.authentication else False
        verdict = self.tokens.known(request.token)
        if not inlet.authentication:
            return verdict is Verdict.GOOD
        return None if verdict is None else _admitted(request, verdict)

    async def judged_token(self, request: Admitted) -> bool | Answer:
        """As ``known_token``, once the issuer's keys have been fetched."""
        return _admitted(request, await self.tokens.judge(request.token))

    def begin(self, request: Admitted, body: bytes, *, authenticated: bool) -> Keeping | Answer:
        """Check a body and hand its records to the intake; an answer where nothing is to be kept."""
        plane, inlet = request.plane, request.inlet
        if request.sync and not request.batch and plane.sync_rate is not None:
            seconds = self._sync_rates.wait(inlet.id, 1, plane.sync_rate / 60, self.clock())
            if seconds:
                return _too_many(request, seconds)
        stamp = self.stamps.next()
        collected = collect(request, body, stamp, self.validate, authenticated=authenticated)
        records = collected.records
        if records and plane.rate is not None:
            seconds = self._rates.wait(inlet.id, len(records), plane.rate, self.clock())
            if seconds:
                return _too_many(request, seconds)
        if collected.refused:
            self.refused(collected.refused)
        if not records:
            return collected.answer
        return Keeping(request, stamp, collected, self.keep(records))

    def finish(self, keeping: Keeping, outcome: Outcome) -> Answer:
        """The answer, now that it is known what became of the records."""
        if isinstance(outcome, Kept):
            answer = keeping.collected.answer
            return self._without_too_large(keeping, outcome.too_large) if outcome.too_large else answer
        return self.held_too_long(keeping.request)

    def held_too_long(self, request: Admitted, *, close: bool = False) -> Answer:
        """The answer where there was no room in memory, or the intake did not take the records, for too long."""
        inlet = request.inlet
        words = about(inlet.id, inlet.org_id, "The intake cannot take the message now")
        return _with(request, overloaded(request.plane, inlet.source, words, close=close))

    async def take(self, head: RequestHead, body: bytes) -> Answer:
        """All of it at once, for a listener that has a task for each request and has read the body."""
        request = self.admit(head)
        if isinstance(request, Answer):
            return request
        authenticated = self.known_token(request)
        if authenticated is None:
            authenticated = await self.judged_token(request)
        if isinstance(authenticated, Answer):
            return authenticated
        if len(body) > request.plane.max_body:
            return too_large(request.plane, request.inlet, request.headers)
        keeping = self.begin(request, body, authenticated=authenticated)
        if isinstance(keeping, Answer):
            return keeping
        try:
            async with answered_within(request.plane.hold_seconds):
                return self.finish(keeping, await keeping.outcome)
        except TimeoutError:
            return self.held_too_long(request)

    def _without_too_large(self, keeping: Keeping, names: frozenset[str]) -> Answer:
        """The answer where the queue can never take some of the records, if any of those are of this request."""
        collected, request = keeping.collected, keeping.request
        inlet = request.inlet
        if not request.batch:
            if collected.records[0].record.xaction_id not in names:
                return collected.answer
            return _with(
                request, problem(413, about(inlet.id, inlet.org_id, _TOO_LARGE), close=True, source=inlet.source)
            )
        stamp = keeping.stamp
        refused = [
            Refused(stamp.name, index, stamp.ms, inlet.id, each.record.body, _TOO_LARGE, 413)
            for index, each in zip(collected.kept, collected.records, strict=True)
            if each.record.xaction_id in names
        ]
        if refused:
            self.refused(refused)
        count = len(collected.records) + len(collected.refused)
        return replace(collected.answer, body=batch(inlet, stamp, count, (*collected.refused, *refused)))


def _admitted(request: Admitted, verdict: Verdict) -> bool | Answer:
    match verdict:
        case Verdict.GOOD:
            return True
        case Verdict.INVALID:
            return _with(request, unauthorised(request.inlet, "is invalid"))
        case Verdict.EXPIRED:
            return _with(request, unauthorised(request.inlet, "is expired"))
        case Verdict.UNDECIDED:
            inlet = request.inlet
            words = about(inlet.id, inlet.org_id, "The keys of the token's issuer cannot be had now")
            return _with(request, problem(503, words, headers=(("Retry-After", "60"),), source=inlet.source))


def _too_many(request: Admitted, seconds: float) -> Answer:
    inlet = request.inlet
    headers = (("Retry-After", str(min(math.ceil(seconds), 3600) if math.isfinite(seconds) else 3600)),)
    words = about(inlet.id, inlet.org_id, "Too many messages")
    return _with(request, problem(429, words, headers=headers, source=inlet.source))


def _with(request: Admitted, answer: Answer) -> Answer:
    """The answer with the headers that belong to any answer of this request."""
    return replace(answer, headers=(*answer.headers, *request.headers)) if request.headers else answer
