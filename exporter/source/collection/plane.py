"""What the data plane is configured with: inlets, the flows that hang on them, and what each may write to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Flow:
    """A way from an inlet to a dataset.

    Attributes:
        id: the flow's id.
        dataset: the id of the dataset that is written to.
        schema: the id of the dataset's schema.
        mapping: whether records pass a mapping set on their way.
        enabled: whether the flow takes records.
    """

    id: str
    dataset: str
    schema: str
    mapping: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Inlet:
    """The address of a connection. The repr shows eight characters of the id, which is a secret.

    Attributes:
        id: 64 hexadecimal digits in lower case.
        source: the connection's name, for metrics.
        org_id: the organisation that messages of the inlet belong to.
        flows: the flows one of whose source connections hangs on the inlet; a flow may hang on several inlets.
        datasets: dataset id to schema id, of what the inlet may write to beside the datasets of its flows.
        authentication: whether a token is demanded.
        enabled: whether the connection is.
        deletes: whether a message may delete.
        key: the path in a record whose value spreads the inlet over the lanes of the intake; empty: one lane.
        writable: dataset id to schema id, of everything that the inlet may write to; made from the others.
        mapped: the only enabled flow with a mapping, None where there is none or are several; made from the others.
    """

    id: str = field(repr=False)
    source: str
    org_id: str
    flows: tuple[Flow, ...] = ()
    datasets: Mapping[str, str] = field(default_factory=dict)
    authentication: bool = False
    enabled: bool = True
    deletes: bool = False
    key: tuple[str, ...] = ()
    short_id: str = field(init=False)
    writable: Mapping[str, str] = field(init=False, repr=False)
    mapped: Flow | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        mapped = [flow for flow in self.flows if flow.enabled and flow.mapping]
        writable = {**self.datasets, **{flow.dataset: flow.schema for flow in self.flows}}
        object.__setattr__(self, "short_id", self.id[:8])
        object.__setattr__(self, "writable", MappingProxyType(writable))
        object.__setattr__(self, "mapped", mapped[0] if len(mapped) == 1 else None)

    def flow(self, flow_id: str) -> Flow | None:
        """The flow with that id, if it hangs on this inlet."""
        return next((flow for flow in self.flows if flow.id == flow_id), None)

    def unmapped(self, dataset: str) -> Flow | None:
        """The only enabled flow without a mapping to ``dataset``: it counts messages that name no flow."""
        found = [flow for flow in self.flows if flow.enabled and not flow.mapping and flow.dataset == dataset]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Plane:
    """The configuration in force. Never changed: a new one takes its place at once, for all that arrives after.

    Attributes:
        org_id: the organisation that an answer names where no inlet is known.
        inlets: by id.
        max_body: bytes that a body may have, as it comes and decompressed.
        hold_seconds: how long a request waits for room in memory and for the intake before it is refused.
        overload_status: the status of such a refusal: 503, or 500.
        cors: the origins that browsers may send from; ``*`` stands for any.
        rate: records a second of an inlet; None: any number.
        sync_rate: synchronous validations a minute of an inlet; None: any number.
    """

    org_id: str
    inlets: Mapping[str, Inlet] = field(repr=False)
    max_body: int = 1024 * 1024
    hold_seconds: float = 12.0
    overload_status: int = 503
    cors: tuple[str, ...] = ()
    rate: float | None = None
    sync_rate: float | None = None
