"""What a record would become, by the same code that takes and applies records; nothing is kept."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from exporter.sections.printable import counted
from exporter.settings.declared import compiled_catalogue
from exporter.settings.tree import Settings
from exporter.source.collection.checks.admission import Admitted
from exporter.source.collection.checks.collecting import collect
from exporter.source.collection.checks.json_text import NoJson, decoded
from exporter.source.collection.checks.messages import Message, read_message
from exporter.source.collection.plane import Inlet, Plane
from exporter.source.collection.stamps import Stamps
from exporter.source.collection.taken import TakenRecord
from exporter.source.dataprep.outcomes import MappingError
from exporter.source.processing.catalogue import Catalogue
from exporter.source.processing.compiling import FlowIds
from exporter.source.processing.examined import Aside, Bad, Chances, Good
from exporter.source.processing.examining import examine
from exporter.source.processing.planes import Ids, ids_of, plane_of, wanted
from exporter.source.profiles.merge import steps as store
from exporter.source.profiles.merge.newcomer import told_of_newcomer
from exporter.source.profiles.settings import rules_of
from exporter.source.records import Record
from exporter.source.xdm.identified import IdentityWarning
from exporter.source.xdm.validation.violation import Violation

#: Where those are tried that no configuration has.
_MADE_ONES: Final = (
    "a flow made by API is not looked for: POST mappingSets/preview of the control plane tries its mapping set,"
    " and exporter source send with the 64 digits of its inlet and --url sends to it"
)

Outcome = Literal["applied", "aside", "bad", "refused"]


class NoSuchFlow(Exception):
    """The configuration has no flow of this name or id, or several of the name; the text says which there are."""


@dataclass(frozen=True, slots=True)
class PreviewedRecord:
    """What one record comes to.

    Attributes:
        outcome: applied; aside where its dataset is none of profiles; bad where it is taken and cannot be applied;
            refused where its sender is told so at once.
        dataset: where it is written to, empty where it is refused.
        reason: of a bad record, as bad records are listed.
        detail: why it is bad or refused, in a sentence.
        xdm: the record after its mapping; None where it is refused.
        record: what would be applied.
        event: what would be told of a profile that is not there yet; None where nothing would be.
        errors: the mappings that had no value.
        warnings: what is worth a note in its identities, although the record is good.
        violations: as a sender that waits for the validation is told.
    """

    outcome: Outcome
    dataset: str = ""
    reason: str = ""
    detail: str = ""
    xdm: dict[str, Any] | None = field(default=None, repr=False)
    record: Record | None = field(default=None, repr=False)
    event: dict[str, Any] | None = field(default=None, repr=False)
    errors: tuple[MappingError, ...] = ()
    warnings: tuple[IdentityWarning, ...] = field(default=(), repr=False)
    violations: tuple[Violation, ...] = field(default=(), repr=False)


class RecordPreviewer:
    """One flow of a configuration, ready to say what becomes of its records.

    Args:
        settings: a configuration that ``load`` found to be without mistakes.
        flow: the id or the name of a flow.

    Raises:
        NoSuchFlow: there is none, or there are several of that name.
    """

    def __init__(self, settings: Settings, flow: str) -> None:
        ids = _stand_ins(settings)
        self.flow_id, source = found_flow(settings, flow, ids.flows)
        plane = plane_of(settings.serve, settings.sources, settings.datasets, ids)
        catalogue = compiled_catalogue(settings, ids.flows)
        assert isinstance(catalogue, Catalogue)  # noqa: S101 - loading has compiled the same
        self._catalogue = catalogue
        self._plane: Plane = plane
        self._inlet: Inlet = plane.inlets[ids.inlets[source]]
        self._rules = rules_of(settings.profiles, settings.identities)
        self._max_event_bytes = int(settings.max_event_bytes)
        self._stamps = Stamps(lambda: int(time.time() * 1000))

    def preview(self, body: bytes) -> PreviewedRecord:
        """What comes of ``body``, sent to the flow's inlet with the flow's id in ``x-adobe-flow-id``."""
        if len(body) > self._plane.max_body:
            return PreviewedRecord("refused", detail=f"The body has more than {counted(self._plane.max_body, 'byte')}")
        request = Admitted(self._plane, self._inlet, batch=False, flow=self.flow_id)
        collected = collect(request, body, self._stamps.next(), _unasked)
        if not collected.records:
            words: str = orjson.loads(collected.answer.body)["report"]["message"]
            return PreviewedRecord("refused", detail=words.partition("] imsOrgId: [")[2].partition("] ")[2] or words)
        (keyed,) = collected.records
        return self._examined(keyed.record)

    def _examined(self, taken: TakenRecord) -> PreviewedRecord:
        # Mapped twice, once to be shown, so with the same chances.
        seed = os.urandom(16)
        xdm, errors = self._mapped(taken, _chances(seed))
        match examine(taken, self._catalogue, _chances(seed)):
            case Bad(reason, detail) as bad:
                return PreviewedRecord(
                    "bad", taken.dataset, reason, detail, xdm, errors=errors, violations=bad.violations
                )
            case Aside():
                return PreviewedRecord("aside", taken.dataset, xdm=xdm, errors=errors)
            case good:
                return self._merged(taken, xdm, good, errors)

    def _merged(
        self, taken: TakenRecord, xdm: dict[str, Any], good: Good, errors: tuple[MappingError, ...]
    ) -> PreviewedRecord:
        told = told_of_newcomer(good.record, self._rules, self._max_event_bytes)
        if isinstance(told, store.Bad):
            return PreviewedRecord("bad", taken.dataset, told.reason, told.detail, xdm, errors=errors)
        event = None if told is None else orjson.loads(told)
        return PreviewedRecord(
            "applied", taken.dataset, xdm=xdm, record=good.record, event=event, errors=errors, warnings=good.warnings
        )

    def _mapped(self, taken: TakenRecord, chances: Chances) -> tuple[dict[str, Any], tuple[MappingError, ...]]:
        message = decoded(taken.body)
        read = None if isinstance(message, NoJson) else read_message(message, self._plane.org_id)
        sent = read.record if isinstance(read, Message) else {}
        flow = self._catalogue.flows.get(taken.flow)
        if flow is None or flow.mapping is None:
            return sent, ()
        mapped = flow.mapping.apply(sent, taken.taken, chances.random, chances.clock, chances.spent)
        return mapped.entity, mapped.errors


def _unasked(_record: TakenRecord, _message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """The request asks for no synchronous validation."""
    return None


def _chances(seed: bytes) -> Chances:
    return Chances(random.Random(seed).randbytes, time.monotonic, time.thread_time)  # noqa: S311 - ids that nobody keeps


def _stand_ins(settings: Settings) -> Ids:
    """The ids of the configuration; for those that it leaves out, which a server makes once, their names stand in."""
    return ids_of(settings.sources, {name: given or name for name, given in wanted(settings.sources)})


def found_flow(settings: Settings, flow: str, flow_ids: FlowIds) -> tuple[str, str]:
    """The id of the flow of this name or id, and the name of the first source that it hangs on.

    Raises:
        NoSuchFlow: there is none, or there are several of that name.
    """
    places = {
        (flow_ids[source.name, number], section.name): source.name
        for source in reversed(settings.sources)
        for number, section in enumerate(source.flows)
    }
    fitting = {flow_id: source for (flow_id, name), source in places.items() if flow in (flow_id, name)}
    if len(fitting) == 1:
        return next(iter(fitting.items()))
    if fitting:
        raise NoSuchFlow(f"{len(fitting)} flows have the name {flow}; name one by its id")
    known = ", ".join(dict.fromkeys(section.name for source in settings.sources for section in source.flows))
    found = f"there is no flow {flow}; there are {known}" if known else "the configuration has no flow"
    raise NoSuchFlow(f"{found} ({_MADE_ONES})")
