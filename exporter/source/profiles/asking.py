"""The identity that a person or a client names."""

from __future__ import annotations

from exporter.source.records import Identity


def asked_identity(namespace: str, id_: str, lowercase_ids: frozenset[str]) -> Identity | None:
    """The identity as it is kept: namespaces in lower case, ids without blanks around them; None where one is empty.

    ``lowercase_ids`` are namespaces, in lower case, whose ids are kept in lower case.
    """
    code, text = namespace.strip().lower(), id_.strip()
    if not code or not text:
        return None
    return Identity(code, text.lower() if code in lowercase_ids else text)
