"""A record as it was taken: the message of the intake, with the bytes that the sender wrote."""

from __future__ import annotations

from enum import IntEnum

import msgspec
from msgspec.structs import replace


class Form(IntEnum):
    """How a message is laid out: ``XDM`` has header and entity, ``WRAPPED`` header and raw attributes."""

    XDM = 1
    RAW = 2
    WRAPPED = 3


class UnreadableRecord(Exception):
    """A message of the intake is none that this version wrote."""


class TakenRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record that is to be kept, or was. The repr shows no data.

    Attributes:
        xaction_id: the record's name, as the sender is told it.
        taken: epoch milliseconds; they never fall from one record to the next.
        inlet: the inlet's id.
        flow: the id of the flow, empty where the message named a dataset and no flow counts it.
        dataset: the id of the dataset that is written to.
        form: how ``body`` is laid out.
        body: the message as it came, decompressed.
        authenticated: whether the sender showed a valid token.
        again: whether the record stood in the intake before, so that it is counted already.
    """

    xaction_id: str
    taken: int
    inlet: str
    flow: str
    dataset: str
    form: Form
    body: bytes
    authenticated: bool = False
    again: bool = False

    def to_bytes(self) -> bytes:
        """The message of the intake: the version, and a MessagePack array of the attributes in their order."""
        return _VERSION + _ENCODER.encode(self)

    @classmethod
    def from_bytes(cls, message: bytes) -> TakenRecord:
        """The record of a message.

        Raises:
            UnreadableRecord: the message is of another version or damaged; the text holds nothing of it.
        """
        if not message.startswith(_VERSION):
            raise UnreadableRecord("the message is of another version")
        try:
            return _DECODER.decode(memoryview(message)[len(_VERSION) :])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        # Not in the handler: the error caught there shows data.
        raise UnreadableRecord("the message is damaged")

    @classmethod
    def put_again(cls, message: bytes) -> bytes:
        """The message by which the record of ``message`` stands in the intake once more; itself if it has none."""
        try:
            return replace(cls.from_bytes(message), again=True).to_bytes()
        except UnreadableRecord:
            return message

    def __repr__(self) -> str:
        return f"TakenRecord({self.xaction_id}, {len(self.body)} bytes)"


_VERSION = b"\x01"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(TakenRecord)
