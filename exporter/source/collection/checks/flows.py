"""Which flow a message takes, and which dataset it is written to."""

from __future__ import annotations

import msgspec

from exporter.source.collection.checks.answers import UNKNOWN_FORMAT
from exporter.source.collection.checks.messages import Message
from exporter.source.collection.plane import Flow, Inlet
from exporter.source.collection.taken import Form


class Way(msgspec.Struct, frozen=True, gc=False):
    """``flow`` is None where the message names its dataset, and not exactly one flow of the inlet writes to it."""

    flow: Flow | None
    dataset: str


def way_of(message: Message, inlet: Inlet, named_flow: str, named_dataset: str) -> Way | str:
    """The way of a message, or why there is none, in a sentence without data.

    Args:
        message: what it names itself counts before what the request names.
        inlet: where it was sent.
        named_flow: the flow that the head of the request names, or empty.
        named_dataset: the dataset that the head names, for XDM messages that name none; or empty.
    """
    if message.deletes and not inlet.deletes:
        return "Inlet takes no deletes"
    name = message.flow or named_flow
    if name:
        flow = inlet.flow(name)
        if flow is None:
            return "flow not found for inlet"
        if not flow.enabled:
            return "flow is disabled"
        if message.form is not Form.XDM and not flow.mapping:
            return UNKNOWN_FORMAT
    elif message.form is Form.XDM:
        flow = None
    else:
        flow = inlet.mapped
        if flow is None:
            return UNKNOWN_FORMAT
    if message.form is not Form.RAW:
        return _checked(message, inlet, flow, named_dataset)
    # A raw message names a flow with a mapping at most, or takes the only one.
    return UNKNOWN_FORMAT if flow is None else Way(flow, flow.dataset)


def _checked(message: Message, inlet: Inlet, flow: Flow | None, named_dataset: str) -> Way | str:
    dataset = message.dataset or (named_dataset if message.form is Form.XDM else "")
    if not dataset:
        if flow is None:
            return "Message names neither a flow nor a dataset"
        dataset = flow.dataset
    schema = inlet.writable.get(dataset)
    if schema is None:
        return "dataset not found for inlet"
    if flow is not None and schema != flow.schema:
        return "Message has a dataset whose schema is not that of the flow's dataset"
    # What is mapped becomes the dataset's schema only then.
    mapped = flow is not None and flow.mapping
    if message.schema and not mapped and message.schema != schema:
        return "Message has a schema that is not that of its dataset"
    if flow is None:
        flow = inlet.unmapped(dataset)
    return Way(flow, dataset)
