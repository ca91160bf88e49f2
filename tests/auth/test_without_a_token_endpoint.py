"""The kinds ``none`` and ``bearer``: what they present, and what is left when that is refused."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from exporter.auth.authorizer import Authorization, Authorizer, Surroundings, Unauthorized
from exporter.auth.bearer import Bearer
from exporter.auth.none import NoAuth
from exporter.messages.exchange import Outcome, Request
from exporter.sections.section import FromFile, Secret


class NoTransport:
    """Fails the test that uses it."""

    async def send(self, request: Request) -> Outcome:
        raise AssertionError("nobody should ask")


def made(section: NoAuth | Bearer) -> Authorizer:
    def observe(_: str, __: str) -> None:
        raise AssertionError("nothing is fetched")

    return section.authorizer(NoTransport(), Surroundings(observe=observe))


def bearer(file: Path) -> Authorizer:
    return made(Bearer.model_validate({"token": FromFile.read(file)}))


async def test_none_presents_nothing() -> None:
    authorizer = made(NoAuth())
    authorization = await authorizer.authorize()

    assert isinstance(authorization, Authorization)
    assert authorization.header is None
    assert authorizer.refresh_on == {401}


async def test_none_has_nothing_else_to_present() -> None:
    authorizer = made(NoAuth())
    authorization = await authorizer.authorize()
    assert isinstance(authorization, Authorization)

    refused = await authorizer.renew(authorization)

    assert isinstance(refused, Unauthorized)
    assert refused.cause == "credentials"


async def test_bearer_presents_its_token() -> None:
    authorizer = made(Bearer(token=Secret("abc")))
    authorization = await authorizer.authorize()

    assert isinstance(authorization, Authorization)
    assert authorization.header == "Bearer abc"
    assert "abc" not in repr(authorization)
    assert await authorizer.authorize() is authorization
    assert authorizer.refresh_on == {401}


async def test_a_written_token_that_is_refused_has_no_successor() -> None:
    authorizer = made(Bearer(token=Secret("abc")))
    authorization = await authorizer.authorize()
    assert isinstance(authorization, Authorization)

    refused = await authorizer.renew(authorization)

    assert isinstance(refused, Unauthorized)
    assert refused.cause == "credentials"


async def test_a_changed_file_holds_the_successor(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)

    file.write_text("def\n")
    assert await authorizer.authorize() is first  # it is good until somebody refuses it
    second = await authorizer.renew(first)

    assert isinstance(second, Authorization)
    assert second.header == "Bearer def"
    assert await authorizer.authorize() is second


async def test_a_late_refusal_keeps_the_successor(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)
    file.write_text("def")
    second = await authorizer.renew(first)

    assert await authorizer.renew(first) is second


async def test_a_byte_order_mark_and_a_line_break_are_no_part_of_the_successor(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)
    file.write_bytes(b"\xef\xbb\xbfdef\r\n\n")
    second = await authorizer.renew(first)
    assert isinstance(second, Authorization)
    assert second.header == "Bearer def"


@pytest.mark.parametrize("device", [False, True])
async def test_a_pipe_or_a_device_in_place_of_the_file_is_not_waited_for(tmp_path: Path, device: bool) -> None:
    file = tmp_path / "token"
    file.write_text("abc")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)
    file.unlink()
    if device:
        file.symlink_to("/dev/zero")
    else:
        os.mkfifo(file)
    refused = await authorizer.renew(first)
    assert isinstance(refused, Unauthorized)
    assert refused.detail == "the token's file cannot be read: it is no regular file"


async def test_all_who_were_refused_get_the_successor(tmp_path: Path) -> None:
    """The file is read beside the event loop, so several may read it at a time."""
    file = tmp_path / "token"
    file.write_text("abc")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)
    file.write_text("def")

    outcomes = await asyncio.gather(*(authorizer.renew(first) for _ in range(20)))

    assert {outcome.header for outcome in outcomes if isinstance(outcome, Authorization)} == {"Bearer def"}
    assert not [outcome for outcome in outcomes if isinstance(outcome, Unauthorized)]


async def test_an_unchanged_file_holds_none(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hunter2")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)

    refused = await authorizer.renew(first)

    assert isinstance(refused, Unauthorized)
    assert refused.cause == "credentials"
    assert "hunter2" not in refused.detail


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"hunter2 b", b"hunter2\r\nX: 1\r\n", "hunter2ü".encode()])
async def test_a_file_that_holds_no_token_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    file.write_text("abc")
    authorizer = bearer(file)
    first = await authorizer.authorize()
    assert isinstance(first, Authorization)
    file.unlink()
    if content is not None:
        file.write_bytes(content)

    refused = await authorizer.renew(first)

    assert isinstance(refused, Unauthorized)
    assert refused.cause == "credentials"
    assert "hunter2" not in refused.detail
    assert str(tmp_path) not in refused.detail

    file.write_text("def")
    second = await authorizer.renew(first)
    assert isinstance(second, Authorization)
    assert second.header == "Bearer def"
