"""What is wrong with the JWT by which a client asks for a token (RFC 7523 §3). Pure: the time is passed in."""

from __future__ import annotations

from urllib.parse import urlsplit

from exporter.source.tokens.issuing.clients import Client
from exporter.source.tokens.signed import judge_token, read_token
from exporter.source.tokens.verdicts import Verdict


def flaw(text: str, client_id: str, client: Client, now: float) -> str | None:
    """Why the JWT ``text`` says nothing for ``client`` at ``now`` (epoch seconds), in words; None where it does."""
    if client.key is None:
        return "no key is configured for this client's JWTs"
    token = read_token(text)
    if token is None:
        return "jwt_token is no signed JWT"
    if token.algorithm != client.key.algorithm:
        return f"jwt_token is not signed by {client.key.algorithm}"
    match judge_token(token, client.key, None, now, grace=0):
        case Verdict.EXPIRED:
            return "jwt_token has expired"
        case Verdict.GOOD:
            pass
        case _:
            return "jwt_token is not signed by this client's key, or names no time at which it ends"
    if token.issuer != client.org:
        return "iss of jwt_token is not this client's organisation"
    subject = token.claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return "sub of jwt_token names no account"
    if not _is_for(token.claims.get("aud"), client_id):
        return "aud of jwt_token is not <endpoint>/c/<client_id>"
    return None


def _is_for(audience: object, client_id: str) -> bool:
    """Whether the audience, or one of them, is ``<endpoint>/c/<client_id>``.

    Any endpoint will do: this server knows not by which names it is reached, and what a request says of that is the
    sender's own word.
    """
    given = audience if isinstance(audience, list) else [audience]
    return any(isinstance(each, str) and _names(each, client_id) for each in given)


def _names(audience: str, client_id: str) -> bool:
    endpoint = audience.removesuffix(f"/c/{client_id}")
    if endpoint == audience:
        return False
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
