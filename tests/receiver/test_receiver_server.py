"""The receiver on a real socket: answers, faults, control, and what it notes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from records import read_reception

from exporter.receiver.faults import Faults
from exporter.receiver.options import Credentials, ReceiverOptions
from exporter.receiver.reception import Reception
from exporter.receiver.server import Receiver, open_receiver


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


async def post(client: aiohttp.ClientSession, receiver: Receiver, **headers: str) -> int:
    async with client.post(receiver.url, json={"a": 1}, headers=headers) as answer:
        await answer.read()
        return answer.status


async def token(client: aiohttp.ClientSession, receiver: Receiver, **form: str) -> str:
    credentials = {"client_id": "demo", "client_secret": "demo-secret"}
    data = {"grant_type": "client_credentials", **credentials, **form}
    async with client.post(receiver.token_url, data=data) as answer:
        document = await answer.json()
        assert answer.status == 200, document
        return f"Bearer {document['access_token']}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the receiver has no event for each of its counts
            await asyncio.sleep(0.01)


async def test_notes_what_arrives(client: aiohttp.ClientSession) -> None:
    seen: list[Reception] = []
    async with open_receiver(observers=[seen.append]) as receiver:
        headers = {"Idempotency-Key": "d:1", "Exporter-Position": "journal-7", "Authorization": "Bearer s3cret"}
        async with client.post(receiver.base + "/a%20b?x=1&y=2", json={"a": 1}, headers=headers) as answer:
            assert answer.status == 200

    (one,) = seen
    assert (one.method, one.path, one.query) == ("POST", "/a%20b", "x=1&y=2")
    assert (one.idempotency_key, one.exporter_position) == ("d:1", "journal-7")
    assert (one.status, one.answered, one.accepted, one.authorized) == (200, True, True, None)
    assert one.at <= one.until
    assert one.arrived < one.ended
    assert b"s3cret" not in one.line()
    assert "s3cret" not in repr(one)
    again = read_reception(one.line())
    assert (again.body, again.headers, again.arrived) == (b'{"a":1}', one.headers, one.arrived)


async def test_answers_the_status_it_is_told_and_changes_at_run_time(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(faults=Faults(status=503, retry_after=7))) as receiver:
        async with client.post(receiver.url, data=b"x") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        async with client.put(receiver.control_url, json={"status": 204}) as answer:
            changed = await answer.json()
            assert (changed["status"], changed["retry_after"]) == (204, 7)
        assert await post(client, receiver) == 204

        async with client.get(receiver.control_url + "/counters") as answer:
            counters = await answer.json()
        assert counters["by_status"] == {"503": 1, "204": 1}
        assert counters["requests"] == 2
        assert counters["accepted"] == 1
        assert counters["connections"] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected a JSON object"),
        (b'{"stauts": 503}', "stauts"),
        (b'{"fail_rate": 2}', "fail_rate"),
        (b'{"latency": "soon"}', "latency"),
    ],
)
async def test_refuses_a_bad_change_whole(client: aiohttp.ClientSession, change: bytes, reason: str) -> None:
    async with open_receiver() as receiver:
        async with client.put(receiver.control_url, data=change) as answer:
            assert answer.status == 400
            assert reason in await answer.text()
        assert await post(client, receiver) == 200


async def test_fails_the_share_that_it_is_told_repeatably(client: aiohttp.ClientSession) -> None:
    faults = Faults(fail_rate=0.3, fail_status=(503, 429))

    async def answers(seed: int) -> list[int]:
        async with open_receiver(ReceiverOptions(faults=faults, seed=seed)) as receiver:
            return [await post(client, receiver) for _ in range(60)]

    first = await answers(1)
    assert set(first) == {200, 503, 429}
    assert first == await answers(1)
    assert first != await answers(2)


async def test_answers_429_above_the_rate(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(faults=Faults(rate=0.001))) as receiver:
        assert [await post(client, receiver) for _ in range(3)] == [200, 429, 429]
        await receiver.control(rate=0)
        assert await post(client, receiver) == 429
        await receiver.control(rate=None)
        assert await post(client, receiver) == 200


async def test_notes_that_a_sender_got_no_answer(client: aiohttp.ClientSession) -> None:
    seen: list[Reception] = []
    async with open_receiver(ReceiverOptions(faults=Faults(latency=600)), observers=[seen.append]) as receiver:
        with pytest.raises(TimeoutError):
            await client.post(receiver.url, json={}, timeout=aiohttp.ClientTimeout(total=0.2))
        await until(lambda: receiver.counters.unanswered == 1)

    (one,) = seen
    assert (one.status, one.answered, one.accepted) == (200, False, False)


async def test_never_answers_while_silent_and_steers_all_the_same(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(faults=Faults(silent=True))) as receiver:
        with pytest.raises(TimeoutError):
            await client.post(receiver.url, json={}, timeout=aiohttp.ClientTimeout(total=0.2))
        async with client.put(receiver.control_url, json={"silent": False}) as answer:
            assert answer.status == 200
        assert await post(client, receiver) == 200
        assert receiver.counters.unanswered == 1


async def test_stops_at_once_though_it_owes_answers(client: aiohttp.ClientSession) -> None:
    async def wait_in_vain(receiver: Receiver) -> None:
        with pytest.raises(aiohttp.ClientError):
            await post(client, receiver)

    async with (
        asyncio.timeout(20),
        asyncio.TaskGroup() as group,
        open_receiver(ReceiverOptions(faults=Faults(silent=True))) as receiver,
    ):
        group.create_task(wait_in_vain(receiver))
        await until(lambda: receiver.counters.in_flight == 1)


async def test_resets(client: aiohttp.ClientSession) -> None:
    seen: list[Reception] = []
    async with open_receiver(ReceiverOptions(faults=Faults(reset=True)), observers=[seen.append]) as receiver:
        with pytest.raises(aiohttp.ClientError):
            await post(client, receiver)
        await until(lambda: receiver.counters.unanswered == 1)
    # A client may resend once on a connection that died.
    assert {one.answered for one in seen} == {False}


async def test_stalls_the_body_after_the_head(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(faults=Faults(body_stall=600))) as receiver:
        async with client.post(receiver.url, json={}) as answer:
            assert answer.status == 200
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await answer.read()
        assert receiver.counters.accepted == 1


async def test_refuses_connections_for_a_while_and_listens_on_the_same_port(client: aiohttp.ClientSession) -> None:
    async with open_receiver() as receiver:
        url = receiver.url
        async with aiohttp.ClientSession() as steering:
            assert await post(client, receiver) == 200
            async with steering.put(receiver.control_url, json={"refuse_seconds": 0.5}) as answer:
                assert answer.status == 200
        # The kept connection was closed, and there is no new one.
        with pytest.raises(aiohttp.ClientConnectorError):
            await post(client, receiver)

        async with asyncio.timeout(20):
            while receiver.counters.requests < 2:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    await post(client, receiver)
                await asyncio.sleep(0.05)
        assert receiver.url == url


async def test_ends_in_the_midst_of_refusing(client: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(20), open_receiver() as receiver:
        await receiver.control(refuse_seconds=600)
        await receiver.control(refuse_seconds=600)


async def test_counts_connections_that_carry_exports(client: aiohttp.ClientSession) -> None:
    async with open_receiver() as receiver:
        for _ in range(3):
            await post(client, receiver)
        async with aiohttp.ClientSession() as other:
            await post(other, receiver)
            assert (receiver.counters.connections, receiver.counters.connections_open) == (2, 2)
        await until(lambda: receiver.counters.connections_open == 1)
        assert receiver.counters.connections == 2


async def test_bearer(client: aiohttp.ClientSession) -> None:
    seen: list[Reception] = []
    options = ReceiverOptions(auth="bearer", credentials=Credentials(token="t:ü"))
    async with open_receiver(options, observers=[seen.append]) as receiver:
        assert await post(client, receiver, Authorization="Bearer t:ü") == 200
        assert await post(client, receiver, Authorization="Bearer other") == 401
        assert await post(client, receiver, Authorization="Basic t:ü") == 401
        assert await post(client, receiver) == 401
        async with client.post(receiver.token_url) as answer:
            assert answer.status == 404
    assert [one.authorized for one in seen] == [True, False, False, False]


async def test_oauth2_tokens_open_it_until_they_are_revoked(client: aiohttp.ClientSession) -> None:
    told: list[tuple[int, str]] = []
    options = ReceiverOptions(auth="oauth2_client_credentials", token_lifetime=90.5)
    async with open_receiver(options, token_observer=lambda *answer: told.append(answer)) as receiver:
        first = await token(client, receiver)
        assert await post(client, receiver, Authorization=first) == 200
        assert await post(client, receiver, Authorization="Bearer made-up") == 401

        await receiver.control(revoke=True)
        assert await post(client, receiver, Authorization=first) == 401
        second = await token(client, receiver)
        assert await post(client, receiver, Authorization=second) == 200
        assert await post(client, receiver, Authorization=first) == 401
        assert receiver.counters.tokens_issued == 2
    assert told == [(200, "a token for 90.5 s")] * 2


async def test_rejects_every_authorization_for_a_while(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(auth="oauth2_client_credentials")) as receiver:
        await receiver.control(reject_auth_seconds=0.5)
        assert await post(client, receiver, Authorization=await token(client, receiver)) == 401
        await asyncio.sleep(0.6)
        assert await post(client, receiver, Authorization=await token(client, receiver)) == 200


async def test_revoked_credentials_get_neither_tokens_nor_in(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(auth="oauth2_client_credentials")) as receiver:
        good = await token(client, receiver)
        await receiver.control(refuse_credentials=True)
        assert await post(client, receiver, Authorization=good) == 401
        async with client.post(receiver.token_url, data={"grant_type": "client_credentials"}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (401, "invalid_client")
        await receiver.control(refuse_credentials=False)
        assert await post(client, receiver, Authorization=good) == 200


async def test_the_token_endpoint_can_fail(client: aiohttp.ClientSession) -> None:
    async with open_receiver(ReceiverOptions(auth="oauth2_password")) as receiver:
        await receiver.control(token_status=500)
        async with client.post(receiver.token_url) as answer:
            assert answer.status == 500
        await receiver.control(token_status=400)
        async with client.post(receiver.token_url) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "invalid_client")
        async with client.get(receiver.token_url) as answer:
            assert answer.status == 405
        assert receiver.counters.token_requests == {500: 1, 400: 1, 405: 1}


@pytest.mark.parametrize("status", [429, 503, 500])
async def test_the_token_endpoint_says_when_to_come_back(client: aiohttp.ClientSession, status: int) -> None:
    async with open_receiver(ReceiverOptions(auth="oauth2_password", faults=Faults(retry_after=7))) as receiver:
        await receiver.control(token_status=status)
        async with client.post(receiver.token_url) as answer:
            assert answer.headers.get("Retry-After") == (None if status == 500 else "7")


async def test_a_port_in_use_is_an_oserror() -> None:
    async with open_receiver() as receiver:
        with pytest.raises(OSError, match=str(receiver.port)):
            async with open_receiver(ReceiverOptions(port=receiver.port)):
                pass


async def test_what_the_body_of_the_context_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_receiver():
            raise ZeroDivisionError
