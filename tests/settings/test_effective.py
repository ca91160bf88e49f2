"""What is shown of a destination's configuration: all of it, and no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from exporter.settings.effective import effective
from exporter.settings.loading.load import Loaded, load

SECRETS = ("s3cret-of-a-header", "s3cret-of-a-client", "s3cret-of-a-proxy", "s3cret-in-extra", "s3cret-of-a-query")
CONFIG = """
destinations:
  - name: crm
    description: see https://wiki.example/crm?a=b (ask Bob)
    endpoint: https://partner.example.com/in?v=2
    headers: {x-team: growth, x-api-key: s3cret-of-a-header}
    query: {token: s3cret-of-a-query}
    proxy: http://user:s3cret-of-a-proxy@proxy.example.com:3128
    auth:
      kind: oauth2_client_credentials
      token_url: https://login.example.com/token
      client_id: ours
      client_secret: s3cret-of-a-client
      audience: [people, orders]
      extra: {resource: s3cret-in-extra, scopes: [s3cret-in-extra, another]}
    segments: [{namespace: ups, id: s-1}, s-2]
    attributes: [person.name.firstName, workEmail.address]
    delivery: {retries: [1, 2.5]}
"""


def shown(folder: Path, text: str, environ: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    file = folder / "exporter.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load(file, environ)
    assert isinstance(loaded, Loaded), loaded
    return dict(effective(loaded, loaded.settings.destinations[0]))


def test_every_key_is_there_with_its_value_or_its_default(tmp_path: Path) -> None:
    found = shown(tmp_path, CONFIG)
    assert found["headers.x-team"] == "**********", "a header may be a credential under any name"
    assert found["auth.kind"] == "oauth2_client_credentials"
    assert found["attributes"] == "person.name.firstName, workEmail.address"
    assert found["delivery.retries"] == "1s, 2.5s"
    assert found["delivery.timeout"] == "10s"
    assert found["delivery.window.events"] == "10000"
    assert found["delivery.window.bytes"] == "16MiB"
    assert found["description"] == "see https://wiki.example/crm?a=b (ask Bob)"
    assert found["auth.audience"] == "people, orders"
    assert found["auth.token_url"] == "https://login.example.com/token"
    assert found["require_membership"] == "true"
    assert found["tls.ca_file"] == ""
    assert found["segments"].startswith("ups/s-1, ups/s-2")
    assert found["proxy"] == "http://proxy.example.com:3128"
    assert found["endpoint"].startswith("https://partner.example.com/in?v=2&token=*")


@pytest.mark.parametrize(
    "url", ["!file idp.txt", '"http://idp.example.com/${IDP_PATH}/token?k=${IDP_KEY}"', '"${IDP_URL}"']
)
def test_a_token_url_from_elsewhere_shows_nothing_that_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    whole = "http://idp.example.com/s3cret-path/token?k=s3cret-key"
    (tmp_path / "idp.txt").write_text(whole)
    for name, value in {"IDP_PATH": "s3cret-path", "IDP_KEY": "s3cret-key", "IDP_URL": whole}.items():
        monkeypatch.setenv(name, value)
    found = shown(tmp_path, CONFIG.replace("https://login.example.com/token", url), os.environ)
    assert "s3cret" not in found["auth.token_url"]
    found = shown(tmp_path, CONFIG.replace("https://partner.example.com/in?v=2", url), os.environ)
    assert "s3cret" not in found["endpoint"]


def test_no_secret_is(tmp_path: Path) -> None:
    text = repr(shown(tmp_path, CONFIG))
    assert [secret for secret in SECRETS if secret in text] == []
