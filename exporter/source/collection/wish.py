"""A wish about a profile: a message of the intake that is no record, and is applied in its turn like one."""

from __future__ import annotations

from enum import IntEnum

import msgspec
from msgspec.structs import replace

from exporter.source.collection.taken import UnreadableRecord


class WishKind(IntEnum):
    """What is to be done: forget the whole profile, or make the identity a profile of its own."""

    DELETE = 1
    UNLINK = 2


class Wish(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A wish about the profile of an identity. The repr shows no data.

    Attributes:
        kind: what is to be done.
        xaction_id: the wish's name, and the id of the event that tells it first.
        taken: epoch milliseconds.
        namespace: of the identity, in lower case.
        id: the identity's id.
        again: whether the wish stood in the intake before.
    """

    kind: WishKind
    xaction_id: str
    taken: int
    namespace: str
    id: str
    again: bool = False

    def to_bytes(self) -> bytes:
        """The message of the intake: a version that no record has, and a MessagePack array of the attributes."""
        return _VERSION + _ENCODER.encode(self)

    @classmethod
    def in_message(cls, message: bytes) -> Wish | None:
        """The wish of a message; None where the message is a record, or nothing that is known.

        Raises:
            UnreadableRecord: the wish is damaged; the text holds nothing of it.
        """
        if not message.startswith(_VERSION):
            return None
        try:
            return _DECODER.decode(memoryview(message)[len(_VERSION) :])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass
        # Not in the handler: the error caught there shows data.
        raise UnreadableRecord("the message is damaged")

    @classmethod
    def put_again(cls, message: bytes) -> bytes | None:
        """The message by which the wish of ``message`` stands in the intake once more; None where that is no wish.

        Raises:
            UnreadableRecord: as ``in_message``.
        """
        wish = cls.in_message(message)
        return None if wish is None else replace(wish, again=True).to_bytes()

    def __repr__(self) -> str:
        return f"Wish({self.kind.name}, {self.xaction_id})"


_VERSION = b"\x02"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Wish)
