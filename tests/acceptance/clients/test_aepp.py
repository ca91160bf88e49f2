"""aepp from PyPI, with nothing changed but the hosts, does on a real way in all that people do with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from aepp_environment import python
from harness import Place, SecretFile
from serving import serve, way_in

ORG = "ABCDEF0123456789@AdobeOrg"
SESSION = Path(__file__).with_name("aepp_session.py")


@pytest.fixture(scope="session")
def aepp_python() -> Path:
    return python()


def test_all_that_people_do_with_aepp(tmp_path: Path, aepp_python: Path) -> None:
    with Place(tmp_path) as place:
        way_in(place)
        (secret := tmp_path / "secret.txt").write_text("acme-secret\n")
        place.config["serve"] |= {
            "org_id": ORG,
            "tenant": "acme",
            "ims": {"clients": [{"client_id": "acme-client", "secret": SecretFile(secret), "org": ORG}]},
        }
        place.config["serve"]["api"]["auth"] = "tokens"
        place.write()
        serving = serve(place).ready()
        ports = place.config["serve"]["api"]["port"], place.config["serve"]["port"]
        done = subprocess.run(
            [aepp_python, SESSION, *(f"http://127.0.0.1:{port}" for port in ports)],
            env={**os.environ, "NO_PROXY": "*"},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert [line for line in serving.logs() if line["level"] == "error"] == []
        assert serving.terminate() == 0
