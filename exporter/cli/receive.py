"""``exporter receive``: a receiver and token server to develop against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer
from pydantic import ValidationError

from exporter.receiver.faults import Faults
from exporter.receiver.options import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    TOKEN,
    USERNAME,
    AuthKind,
    Credentials,
    ReceiverOptions,
)


def receive(
    host: Annotated[str, typer.Option(help="Listen on this address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen on this port; 0 takes a free one.")] = 8080,
    auth: Annotated[
        AuthKind,
        typer.Option(
            metavar="KIND",
            help=f"Demand one of {', '.join(get_args(AuthKind))}. OAuth2 clients present themselves in the body or "
            "as Basic; _body and _basic insist on one of the two.",
        ),
    ] = "none",
    token: Annotated[str, typer.Option(help="Demand this token with `bearer`.")] = TOKEN,
    client_id: Annotated[str, typer.Option(help="Know this OAuth2 client.")] = CLIENT_ID,
    client_secret: Annotated[str, typer.Option(help="Demand this secret of the client.")] = CLIENT_SECRET,
    username: Annotated[str, typer.Option(help="Know this user with `oauth2_password`.")] = USERNAME,
    password: Annotated[str, typer.Option(help="Demand this password of the user.")] = PASSWORD,
    token_lifetime: Annotated[float, typer.Option(min=0, help="Let an OAuth2 token live for so many seconds.")] = 3600,
    status: Annotated[int, typer.Option(min=200, max=599, help="Answer with this status.")] = 200,
    latency: Annotated[float, typer.Option(min=0, help="Wait for so many seconds before each answer.")] = 0,
    fail_rate: Annotated[float, typer.Option(min=0, max=1, help="Let this share of the requests fail, 0 to 1.")] = 0,
    fail_status: Annotated[
        list[int] | None,
        typer.Option(
            min=200, max=599, help="Let them fail with this status (503 without it); may be given more than once."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Choose which requests fail by this number.")] = 0,
    retry_after: Annotated[
        int | None,
        typer.Option(min=0, help="Put so many seconds into Retry-After of 429 and 503."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0, help="Answer with 429 above so many requests a second."),
    ] = None,
    body_stall: Annotated[
        float, typer.Option(min=0, help="Wait for so many seconds between an answer's head and its body.")
    ] = 0,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append what arrives to FILE, one JSON object a line."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing of what arrives.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Receive exports and print them, to develop against.

    It is an endpoint and an OAuth2 token server.
    Tokens are issued at /token; every other path is the endpoint. Faults can be changed while it runs:
    GET /control shows them, PUT /control with a JSON object of the names above (and silent, reset, token_status,
    refuse_credentials, revoke, reject_auth_seconds, refuse_seconds) changes them, GET /control/counters counts.
    These have no password: keep it on the loopback. SIGTERM and SIGINT stop it.
    """
    from exporter.receiver.command import Output, run

    faults = _faults(
        status=status,
        latency=latency,
        fail_rate=fail_rate,
        fail_status=fail_status or [503],
        retry_after=retry_after,
        rate=rate,
        body_stall=body_stall,
    )
    credentials = Credentials(client_id, client_secret, username, password, token)
    options = ReceiverOptions(host, port, auth, credentials, token_lifetime, seed, faults)
    raise typer.Exit(run(options, Output(record=record, quiet=quiet, json=as_json)))


def _faults(**chosen: object) -> Faults:
    try:
        return Faults.model_validate(chosen)
    except ValidationError as error:
        # The ranges of the options let infinity and NaN through.
        raise typer.BadParameter(
            "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        ) from None
