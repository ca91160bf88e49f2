"""What the name of an identity gives: the key under which the identity is found, and the id of a profile."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from typing import TypeAlias

_KEY_BYTES = 16
#: They make 20 characters.
_ID_BYTES = 15
_URL_SAFE = bytes.maketrans(b"+/", b"-_")

#: Namespace and id of an identity.
Named: TypeAlias = tuple[str, str]


def identity_key(namespace: str, id_: str) -> bytes:
    """The 16 bytes under which an identity is found."""
    return hashlib.blake2b(f"{namespace}\0{id_}".encode(errors="surrogatepass"), digest_size=_KEY_BYTES).digest()


def profile_id(namespace: str, id_: str) -> str:
    """The id of a profile whose first identity this is: the same after a rebuild."""
    return profile_id_of(identity_key(namespace, id_))


def profile_id_of(key: bytes) -> str:
    """The id of a profile, by the key of its first identity (``identity_key``)."""
    return "p-" + b2a_base64(key[:_ID_BYTES], newline=False).translate(_URL_SAFE).decode()
