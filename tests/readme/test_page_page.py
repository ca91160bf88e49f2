"""docs/page.md: its configuration is one, its proxy lets a browser in by the proxy's name, its pictures are there."""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import time
from pathlib import Path

import aiohttp
import pytest
from clean_clone import ROOT
from fences import fences
from ports import free_port

from exporter.daemon.ops.answers import Desk
from exporter.daemon.ops.document import document
from exporter.daemon.ops.page.source_sheets import Bad, ShownInlet, SourceSheets
from exporter.daemon.ops.port import serve
from exporter.dataflow.dependencies import Clock
from exporter.settings.loading.load import Loaded, load
from exporter.telemetry.logs import configure
from exporter.telemetry.metrics import Metrics
from exporter.telemetry.status import ConfigStatus, Health

PAGE = (ROOT / "docs/page.md").read_text(encoding="utf-8")
CONFIGURATION, PROXY = fences(PAGE)
NGINX = shutil.which("nginx")


def configured(folder: Path) -> Loaded:
    (folder / "secrets").mkdir()
    (folder / "secrets/ops").write_text("correct horse battery staple\n", encoding="utf-8")
    file = folder / "exporter.yaml"
    file.write_text(CONFIGURATION.text, encoding="utf-8")
    loaded = load(file, {})
    assert isinstance(loaded, Loaded), loaded
    return loaded


def test_the_configuration_is_one(tmp_path: Path) -> None:
    assert (CONFIGURATION.language, PROXY.language) == ("yaml", "nginx")
    ops = configured(tmp_path).settings.ops
    assert ops.token is not None
    assert ops.hosts == ("exporter.example.com",)


def test_the_pictures_are_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert pictures == ["screenshots/overview.png", "screenshots/destination.png"]
    for picture in pictures:
        assert (ROOT / "docs" / picture).stat().st_size < 150_000


class Nothing:
    """Particulars of a way in without anything."""

    def inlets(self) -> list[ShownInlet]:
        return []

    def flow_name(self, flow: str) -> str:
        return flow

    async def bad(self) -> Bad:
        return Bad({}, ())


@pytest.mark.skipif(NGINX is None, reason="no nginx is on the PATH (Debian: apt-get install nginx-light)")
async def test_behind_the_proxy_a_browser_signs_in_by_the_proxys_name(tmp_path: Path) -> None:
    ops = configured(tmp_path).settings.ops

    def status() -> object:
        return document(0.0, ConfigStatus(), ())

    sheets = SourceSheets(dict, Nothing(), Clock(time.monotonic, time.time))
    desk = Desk(Metrics(), lambda: Health(True), status, configure(io.StringIO(), False), sheets=sheets)
    async with serve("127.0.0.1", 0, desk, ops.token, ops.hosts) as port:
        proxy = free_port()
        location = PROXY.text.replace("9464", str(port))
        paths = "".join(
            f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{proxy};\n{location}}} }}\n"
        )
        assert NGINX is not None
        process = await asyncio.create_subprocess_exec(
            NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"
        )
        try:
            await _signed_in(proxy)
        finally:
            process.terminate()
            await process.wait()


async def _signed_in(proxy: int) -> None:
    name = f"exporter.example.com:{proxy}"
    form = {"token": "correct horse battery staple"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{proxy}") as session:

        async def post(origin: str) -> tuple[int, str]:
            headers = {"Host": name, "Origin": origin}
            async with session.post("/sign-in", data=form, headers=headers, allow_redirects=False) as answer:
                return answer.status, answer.headers.get("Set-Cookie", "")

        while True:
            try:
                status, cookie = await post(f"http://{name}")
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        assert status == 303
        assert f"exporter-session-{proxy}=" in cookie
        assert "Secure" not in cookie, "it was asked without TLS"
        assert (await post("http://evil.example"))[0] == 403
