"""What an endpoint echoes of a request's secrets is not kept, however it writes it."""

from __future__ import annotations

import html
import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest

from exporter.sections.section import MASK
from exporter.settings.destination import Destination
from exporter.settings.presented_secrets import prepare
from exporter.transport.requests.prepare import Echoes, Prepared

#: With everything in it that somebody escapes.
SECRET = "pa+ss/wo\"rd'&<k>\\=%e y~ü€😀.-_*"


def html_in_numbers(text: str) -> str:
    return "".join(f"&#{ord(character):03};" if not character.isalnum() else character for character in text)


def html_in_hex(text: str) -> str:
    return "".join(f"&#x{ord(character):X};" if not character.isalnum() else character for character in text)


def percent_in_lower_case(text: str) -> str:
    return quote(text, safe="").lower()


def json_for_html(text: str) -> str:
    shown = json.dumps(text, ensure_ascii=False)[1:-1]
    return "".join(f"\\u{ord(character):04X}" if character in "+/'&<>=" else character for character in shown)


@pytest.mark.parametrize(
    "written",
    [
        str,
        str.upper,
        str.lower,
        lambda text: quote(text, safe=""),
        quote,
        quote_plus,
        percent_in_lower_case,
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
        lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
        lambda text: json.dumps(json.dumps(text))[3:-3],
        json_for_html,
        html.escape,
        lambda text: html.escape(html.escape(text)),
        escape,
        lambda text: escape(text, {"'": "&apos;", '"': "&quot;"}),
        lambda text: quoteattr(text)[1:-1],
        html_in_numbers,
        html_in_hex,
        lambda text: json.dumps(html.escape(text))[1:-1],
        lambda text: b64encode(text.encode()).decode().rstrip("="),
        lambda text: urlsafe_b64encode(text.encode()).decode().rstrip("="),
        lambda text: text.replace("+", " "),
    ],
)
def test_a_secret_is_found_however_it_is_written(written: Callable[[str], str]) -> None:
    answer = f"<before>{written(SECRET)}<after>".encode()
    assert Echoes([SECRET]).masked(answer) == f"<before>{MASK}<after>".encode()


def test_in_latin_1_too() -> None:
    assert Echoes(["geheimnisträger"]).masked("x=geheimnisträger;".encode("latin-1")) == f"x={MASK};".encode()


def test_of_two_secrets_the_longer_is_masked_as_one() -> None:
    echoes = Echoes(["secret", "secret-of-mine"])
    assert echoes.masked(b"secret-of-mine, secret") == f"{MASK}, {MASK}".encode()


def test_what_is_none_stays_as_it_is() -> None:
    answer = b'{"error":"profile p-1842 is unknown", "see": "https://example.com/a?b=c&d=%20"}\xff\x00'
    assert Echoes([SECRET]).masked(answer) == answer
    assert Echoes([]).masked(answer) == answer
    assert Echoes([SECRET]).masked(b"") == b""


@pytest.mark.parametrize("before", [0, 1000, 2040])
def test_one_that_is_cut_by_the_end_of_what_is_kept_is_masked_whole(before: int) -> None:
    secret = "+" * 500
    written = quote(quote(secret, safe=""), safe="").encode()
    masked = Echoes([secret]).masked(b"." * before + written + b"." * 60_000)
    assert masked.startswith(b"." * before + MASK.encode()[: 2048 - before])
    assert b"2B" not in masked
    assert len(masked) == 2048


def test_a_long_answer_and_a_long_token_cost_little() -> None:
    echoes = Echoes(["+" * 100, "\\" * 100 + "x", "%" * 100, "&" * 100, "ü" * 100])
    echoes.present("Bearer " + "eyJ.a-b_" * 500)
    began = time.process_time()
    for answer in ("eyJ.a-b_" * 499, "+" * 99 + "-", "\\" * 60_000, "%25" * 20_000, "&amp;" * 10_000, "üÜ" * 10_000):
        echoes.masked(answer.encode())
    assert time.process_time() - began < 20  # a pattern that goes back and forth would take hours


def prepared(**more: Any) -> Prepared:
    return prepare(Destination.model_validate({"name": "crm", "endpoint": "https://example.com/p", **more}))


def answered(prepared: Prepared, text: str) -> str:
    return prepared.without_secrets(text.encode()).decode()


def test_values_of_the_query() -> None:
    crm = prepared(endpoint="https://example.com/p?api_key=k3y%2Bof%2Fmine&v=2&nothing", query={"sig": "s1g natur"})
    assert answered(crm, "Cannot POST /p?api_key=k3y%2Bof%2Fmine&v=2&sig=s1g%20natur") == (
        f"Cannot POST /p?api_key={MASK}&v=2&sig={MASK}"
    )
    assert answered(crm, '{"key":"K3Y+OF\\/MINE","sig":"s1g+natur"}') == f'{{"key":"{MASK}","sig":"{MASK}"}}'


def test_values_of_headers() -> None:
    basic = b64encode(b"me:pass/word").decode()
    crm = prepared(headers={"Authorization": f"Basic {basic}", "X-Api-Key": "k3y+of/mine", "X-V": "2"})
    assert answered(crm, f"'{basic}' 'pass%2fword' 'k3y&#43;of/mine' v=2") == f"'{MASK}' '{MASK}' '{MASK}' v=2"
    assert answered(crm, f"'Basic {basic}' '{basic.rstrip('=')}'") == f"'{MASK}' '{MASK}'"


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_credentials_of_the_token_server(encode: Callable[[bytes], bytes]) -> None:
    auth = {
        "kind": "oauth2_password",
        "token_url": "https://example.com/token",
        "client_id": "me",
        "client_secret": "cl>ent?secret",
        "username": "someone",
        "password": "pass word",
    }
    crm = prepared(auth=auth)
    for pair in ("me:cl>ent?secret", "me:cl%3Eent%3Fsecret"):
        encoded = encode(pair.encode()).decode()
        assert answered(crm, f"Basic {encoded};").replace("=", "") == f"Basic {MASK};"
    assert answered(crm, "cl%3Eent%3Fsecret pass+word someone") == f"{MASK} {MASK} someone"


def test_tokens_those_before_included() -> None:
    """An answer to a request with the token before may come after the first request with the next."""
    crm = prepared()
    for token in ("t0ken/first", "t0ken/second"):
        crm.request(f"Bearer {token}", "key", "0-1", b"{}")
    assert answered(crm, "t0ken%2Ffirst T0KEN/SECOND Bearer t0ken/second") == f"{MASK} {MASK} {MASK}"


def test_the_password_of_a_proxy() -> None:
    crm = prepared(proxy="http://user:pr0xy%2Fpass@proxy.example.com:3128")
    assert answered(crm, "pr0xy/pass pr0xy%2fpass") == f"{MASK} {MASK}"


def test_nothing_of_it_shows() -> None:
    assert "secret" not in repr(Echoes(["secret"]))
