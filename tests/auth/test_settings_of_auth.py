"""The keys of each auth kind: what is accepted, what is refused at start, and that secrets stay so."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.auth.kinds import AuthSettings
from exporter.auth.none import NoAuth
from exporter.receiver.options import AuthKind
from exporter.sections.section import Section


class Holder(Section):
    """Stands for the tree: pydantic hides the input of a mistake where the outermost model says so."""

    auth: AuthSettings


def read(keys: dict[str, Any]) -> Any:
    return Holder.model_validate({"auth": keys}).auth


CLIENT = {
    "kind": "oauth2_client_credentials",
    "token_url": "https://login.example.com/token",
    "client_id": "id",
    "client_secret": "hunter2",
}
OWNER = {**CLIENT, "kind": "oauth2_password", "username": "user", "password": "hunter2"}


@pytest.mark.parametrize(
    "keys",
    [
        {"kind": "none"},
        {"kind": "bearer", "token": "hunter2"},
        CLIENT,
        OWNER,
        {**CLIENT, "token_url": "http://localhost:8080/token?a=1&b=2&c=%2F"},
        {**CLIENT, "token_url": "https://[::1]:8443/token"},
        {**CLIENT, "credentials_in": "basic", "client_id": "a:b"},
        {**CLIENT, "basic_encoding": "raw", "client_id": "a:b"},
        {**CLIENT, "client_id": "ü€", "scope": "ü", "extra": {"ü": ""}},
        {**CLIENT, "refresh_on": [401, 403, 302]},
        {**CLIENT, "extra": {"resource": ["https://a", "https://b"], "x": "", "y": [""]}, "audience": ["a", "b"]},
        {**CLIENT, "audience": "a"},
        {**CLIENT, "tls": {}, "proxy": "none"},
        {**CLIENT, "tls": None, "proxy": None},
        {**CLIENT, "proxy": "http://u:hunter2@proxy.example.com:3128"},
    ],
)
def test_accepted(keys: dict[str, Any]) -> None:
    section = read(keys)

    assert "hunter2" not in repr(section)


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"kind": "digest"}, ""),
        ({"kind": "none", "token": "hunter2"}, "token"),
        ({"kind": "bearer"}, "token"),
        ({"kind": "bearer", "token": ""}, "token"),
        ({"kind": "bearer", "token": "hunter2\r\nX: 1"}, "token"),
        ({"kind": "bearer", "token": "hunter2 b"}, "token"),
        ({"kind": "bearer", "token": "hunter2ü"}, "token"),
        ({**CLIENT, "client_secret": ""}, "client_secret"),
        ({**CLIENT, "client_secret": "hunter2\udcff"}, "client_secret"),
        ({**CLIENT, "client_id": ""}, "client_id"),
        ({**CLIENT, "username": "u"}, "username"),
        ({**OWNER, "password": ""}, "password"),
        ({**CLIENT, "token_url": "login.example.com/token"}, "token_url"),
        ({**CLIENT, "token_url": "ftp://login.example.com/token"}, "token_url"),
        ({**CLIENT, "token_url": "https:///token"}, "token_url"),
        ({**CLIENT, "token_url": "https://hunter2@login.example.com/"}, "token_url"),
        ({**CLIENT, "token_url": "https://login.example.com/#hunter2"}, "token_url"),
        ({**CLIENT, "token_url": "https://login.example.com:99999/"}, "token_url"),
        ({**CLIENT, "token_url": "https://login.example.com:0/"}, "token_url"),
        ({**CLIENT, "token_url": "https://[::1/"}, "token_url"),
        ({**CLIENT, "token_url": "https://login.example.com/a b"}, "token_url"),
        ({**CLIENT, "token_url": "https://login.example.com/\r\nX"}, "token_url"),
        ({**CLIENT, "token_url": "https://lögin.example.com/"}, "token_url"),
        ({**CLIENT, "credentials_in": "header"}, "credentials_in"),
        ({**CLIENT, "credentials_in": "basic", "basic_encoding": "raw", "client_id": "a:b"}, ""),
        ({**CLIENT, "extra": {"client_secret": "x"}}, ""),
        ({**CLIENT, "extra": {"": "x"}}, "extra"),
        ({**CLIENT, "extra": {"x": []}}, "x"),
        ({**CLIENT, "extra": {"x": 7}}, "x"),
        ({**CLIENT, "extra": {"x": None}}, "x"),
        ({**CLIENT, "extra": {"x": ["hunter2", 7]}}, "x"),
        ({**CLIENT, "extra": {"x": ["hunter2\udcff"]}}, "x"),
        ({**CLIENT, "extra": {"scope": ["a", "b"]}}, ""),
        ({**CLIENT, "audience": []}, "audience"),
        ({**CLIENT, "audience": ""}, "audience"),
        ({**CLIENT, "audience": ["a", ""]}, "audience"),
        ({**CLIENT, "scope": ["a", "b"]}, "scope"),
        ({**CLIENT, "proxy": "proxy.example.com:3128"}, "proxy"),
        ({**CLIENT, "proxy": "http://hunter2@proxy.example.com/path"}, "proxy"),
        ({**CLIENT, "proxy": ""}, "proxy"),
        ({**CLIENT, "tls": {"ca_file": "/no/such/file"}}, "tls"),
        ({**CLIENT, "tls": {"verify": False}}, "tls"),
        ({"kind": "bearer", "token": "hunter2", "tls": {}}, "tls"),
        ({"kind": "none", "proxy": "none"}, "proxy"),
        ({**CLIENT, "refresh_on": []}, "refresh_on"),
        ({**CLIENT, "refresh_on": [200]}, "refresh_on"),
        ({**CLIENT, "refresh_on": 401}, "refresh_on"),
    ],
)
def test_refused(keys: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(keys)

    (problem,) = [error for error in refused.value.errors() if not place or place in error["loc"]][:1]
    assert place in (*problem["loc"], "")
    assert "hunter2" not in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        read({**CLIENT, "token_url": "ftp://hunter2@login.example.com/a b#c"})
    text = str(refused.value)
    for reason in ("ASCII without spaces", "http:// or https://", "a user or a password", "a fragment"):
        assert reason in text
    assert "hunter2" not in text

    raw = {"credentials_in": "basic", "basic_encoding": "raw", "client_id": "a:b"}
    with pytest.raises(ValidationError) as refused:
        read({**CLIENT, **raw, "extra": {"client_secret": "x"}})
    assert "extra must not name client_secret" in str(refused.value)
    assert "a client_id with a colon" in str(refused.value)


def test_every_kind_is_in_the_schema() -> None:
    kinds = TypeAdapter[Any](AuthSettings).json_schema()["discriminator"]["mapping"]

    assert sorted(kinds) == ["bearer", "none", "oauth2_client_credentials", "oauth2_password"]
    assert set(kinds) <= set(get_args(AuthKind)), "the receiver can demand each"
    assert NoAuth().kind == "none"


def test_every_secret_that_a_token_server_or_its_proxy_sees_is_masked() -> None:
    auth = read(
        {
            **CLIENT,
            "proxy": "http://user:pr%20xy@proxy.example.com:3128",
            "extra": {"api_key": ["key-1", "key-2"], "resource": "crm-export"},
        }
    )
    assert {"hunter2", "pr xy", "key-1", "key-2"} <= {*auth.secrets()}
    assert "crm-export" not in auth.secrets()
