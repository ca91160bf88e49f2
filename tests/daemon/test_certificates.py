"""Which certificates of destinations are refused before a dataflow is stopped for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from certificates import Authority

from exporter.daemon.slots.certificates import refuse_odd_files, unusable
from exporter.sections.tls import Tls
from exporter.settings.destination import Destination
from exporter.transport.tls.contexts import TlsFilesUnusable


def destination(**files: Path) -> Destination:
    return Destination(name="crm", endpoint="https://crm.example/", tls=Tls(**files))


def test_a_whole_pair_and_none_at_all_can_be_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign()
    whole = destination(ca_file=authority.certificate, client_cert_file=pair.certificate, client_key_file=pair.key)
    refuse_odd_files(whole)
    assert unusable([whole, destination()]) == []


def test_half_a_pair_and_what_is_no_certificate_are_told_by_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, two = authority.sign(name="one"), authority.sign(name="two")
    half = destination(client_cert_file=one.certificate, client_key_file=two.key)
    empty = tmp_path / "empty.pem"
    empty.touch()
    assert unusable([half, destination(ca_file=empty)]) == [
        f"crm: {two.key}: the key does not belong to the certificate",
        f"crm: {empty}: no PEM certificate",
    ]


def test_a_pipe_or_nothing_in_place_of_a_certificate_is_not_waited_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    named = destination(ca_file=authority.certificate)
    authority.certificate.unlink()
    assert unusable([named]) == [f"crm: {authority.certificate}: no such file or directory"]
    os.mkfifo(authority.certificate)
    assert unusable([named]) == [f"crm: {authority.certificate}: it is no regular file"]
    with pytest.raises(TlsFilesUnusable, match="it is no regular file"):
        refuse_odd_files(named)
