"""What a taken record comes to: a record for the profile store, a bad record, or one that reaches no profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from exporter.source.collection.taken import Form, TakenRecord
from exporter.source.dataprep.outcomes import MappingError, Upsert
from exporter.source.processing.catalogue import Catalogue, Dataset
from exporter.source.processing.examined import Aside, Bad, BadReason, Chances, Examined, Good
from exporter.source.records import ArrayUpsert, Operation, Record
from exporter.source.xdm.identified import Unidentified
from exporter.source.xdm.identities import identities_of
from exporter.source.xdm.memberships import MembershipsRefused, memberships_of
from exporter.source.xdm.schema import Behaviour
from exporter.source.xdm.validation.violation import Violation

_OPERATIONS = {each.value: each for each in Operation}
_decode = msgspec.json.Decoder().decode


class _Message:
    """A message taken apart; ``operations`` is what its header says, and ``meta`` the identities beside the entity."""

    __slots__ = ("meta", "operations", "record")

    def __init__(self, record: dict[str, Any], operations: Any = None, meta: Any = None) -> None:
        self.record = record
        self.operations = operations
        self.meta = meta


class _Asked:
    """What the header asks for."""

    __slots__ = ("links", "operation")

    def __init__(self, operation: Operation, links: bool) -> None:
        self.operation = operation
        self.links = links


#: Where the header asks for nothing. An upsert that says nothing of identities is about its primary identity alone.
_CREATES = _Asked(Operation.CREATE, True)
_MERGES = _Asked(Operation.MERGE, False)


def examine(taken: TakenRecord, catalogue: Catalogue, chances: Chances) -> Examined:
    """Map a record, hold it to its schema, and find whose it is. The same record comes to the same in any process."""
    message = _message(taken)
    dataset = catalogue.datasets.get(taken.dataset)
    if dataset is None:
        return Bad("dataset", "its dataset is not configured any more")
    flow = None
    if taken.flow:
        flow = catalogue.flows.get(taken.flow)
        if flow is None:
            return Bad("flow_deleted", "its flow is not configured any more")
    asked = _asked(message.operations, dataset, catalogue)
    if isinstance(asked, str):
        return Bad("operation", asked)
    entity = message.record
    errors: tuple[MappingError, ...] = ()
    upserts: tuple[Upsert, ...] = ()
    if flow is not None and flow.mapping is not None:
        mapped = flow.mapping.apply(message.record, taken.taken, chances.random, chances.clock, chances.spent)
        entity, errors, upserts = mapped.entity, mapped.errors, mapped.upserts
        if errors and (end := next((error for error in errors if error.ends_record), None)) is not None:
            # What was mapped before is not all that the sender said.
            whose = identities_of(dataset.schema, entity, None, catalogue.identities)
            identity = None if isinstance(whose, Unidentified) else whose.primary
            return Bad("mapping", end.reason, errors=errors, identity=identity)
        if flow.mapping.allow_nulls and asked.operation is Operation.CREATE and _needs_values(entity, dataset):
            # A null says that there is no value, which is what leaving it out says where all is put in its place.
            entity = _without_nulls(entity)
    elif taken.form is not Form.XDM:
        return Bad("mapping", "its flow has no mapping any more")
    found = _sound(entity, message.meta, taken, dataset, asked, catalogue, errors)
    if isinstance(found, Good) and upserts and asked.operation is Operation.MERGE:
        _mark(found.record.entity, upserts)
    return found


def _message(taken: TakenRecord) -> _Message:
    message = _decode(taken.body)
    match taken.form:
        case Form.RAW:
            return _Message(message)
        case Form.WRAPPED:
            return _Message(message["body"], message["header"].get("operations"))
        case Form.XDM:
            body = message["body"]
            meta = body.get("xdmMeta") or {}
            header = message.get("header") or {}
            return _Message(body["xdmEntity"], header.get("operations"), meta.get("identityMap"))


def _asked(operations: Any, dataset: Dataset, catalogue: Catalogue) -> _Asked | str:
    """What is to be done, or why that is none that is known."""
    if operations is None:
        return _MERGES if dataset.upsert else _CREATES
    if not isinstance(operations, dict):
        return "header.operations is no object"
    of_data = operations.get("data")
    if of_data is None:
        operation = Operation.MERGE if dataset.upsert else Operation.CREATE
    elif isinstance(of_data, str) and of_data in _OPERATIONS:
        operation = _OPERATIONS[of_data]
    else:
        return "header.operations.data is none of create, merge and delete"
    of_identity = operations.get("identity")
    if of_identity is None:
        return _Asked(operation, links=operation is not Operation.MERGE)
    if of_identity != "create":
        return "header.operations.identity is not create"
    other = operations.get("identityDatasetId")
    if not isinstance(other, str) or not other:
        return "header.operations.identity needs identityDatasetId"
    if other == dataset.id:
        return "header.operations.identityDatasetId names the record's own dataset"
    if other in catalogue.datasets and catalogue.datasets[other].profile:
        return "header.operations.identityDatasetId names a dataset of profiles"
    return _Asked(operation, links=True)


def _sound(
    entity: dict[str, Any],
    meta: Any,
    taken: TakenRecord,
    dataset: Dataset,
    asked: _Asked,
    catalogue: Catalogue,
    errors: tuple[MappingError, ...],
) -> Examined:
    """The record of an entity, or what is wrong with the entity."""
    schema = dataset.schema
    violations = _violations(entity, dataset, asked.operation)
    if violations:
        whose = identities_of(schema, entity, meta, catalogue.identities)
        identity = None if isinstance(whose, Unidentified) else whose.primary
        return Bad("mapping" if errors else "xdm", "it is not as its schema has it", violations, errors, identity)
    identified = identities_of(schema, entity, meta, catalogue.identities)
    if isinstance(identified, Unidentified):
        reason: BadReason = "no_primary_identity" if identified.reason == "no_primary_identity" else "xdm"
        return Bad(reason, identified.reason, (identified.violation,), errors)
    memberships = memberships_of(entity, taken.taken)
    if isinstance(memberships, MembershipsRefused):
        violation = memberships.violation
        return Bad("xdm", "a membership cannot be read", (violation,), errors, identified.primary)
    if not dataset.profile:
        return Aside()
    attributes = dict(entity)
    attributes.pop("identityMap", None)
    attributes.pop("segmentMembership", None)
    record = Record(
        xaction_id=taken.xaction_id,
        taken=taken.taken,
        dataset=dataset.id,
        primary=identified.primary,
        identities=identified.identities,
        links=asked.links,
        operation=asked.operation,
        entity=attributes,
        memberships=memberships,
        time_series=schema.behaviour is Behaviour.TIME_SERIES,
    )
    return Good(record, errors, identified.warnings)


def _violations(entity: dict[str, Any], dataset: Dataset, operation: Operation) -> tuple[Violation, ...]:
    schema = dataset.schema
    if not dataset.validated or operation is Operation.DELETE or schema.passes(entity):
        return ()
    if operation is Operation.MERGE:
        # There a null is no value, but says that there is to be none.
        entity = _without_nulls(entity)
        if schema.passes(entity):
            return ()
    return schema.violations(entity)


def _needs_values(entity: dict[str, Any], dataset: Dataset) -> bool:
    return dataset.validated and not dataset.schema.passes(entity)


def _without_nulls(entity: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in entity.items()
        if value is not None
    }


def _mark(entity: dict[str, Any], upserts: Sequence[Upsert]) -> None:
    """Put the arrays that a merge appends to, or replaces, in the place of plain arrays."""
    for upsert in upserts:
        node: Any = entity
        for step in upsert.path[:-1]:
            node = node.get(step) if isinstance(node, dict) else None
        last = upsert.path[-1]
        if isinstance(node, dict) and isinstance(node.get(last), list):
            node[last] = ArrayUpsert(upsert.kind, tuple(node[last]))
