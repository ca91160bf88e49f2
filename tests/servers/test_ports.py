"""Ports for servers that tests are about to start."""

from __future__ import annotations

from ports import free_port


def test_no_port_is_given_again_before_anybody_may_listen_on_it() -> None:
    given = [free_port() for _ in range(450)]
    assert len(set(given)) == len(given)
