"""A real browser for tests, with a profile of its own in a temporary folder; nothing of it is left afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog

_BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)

needs_browser = pytest.mark.skipif(
    _BROWSER is None,
    reason="no chromium-headless-shell or chromium is on the PATH (Debian: apt-get install chromium-headless-shell)",
)


@contextmanager
def browsing(url: str, folder: Path, *options: str) -> Iterator[None]:
    """Have a browser open ``url``, and end it with all of its processes afterwards; what it says is in ``folder``."""
    assert _BROWSER is not None
    folder.mkdir()
    command = [_BROWSER, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # which root cannot have
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--user-data-dir={folder / 'profile'}", *options, url],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The browser leads a group of processes, which stays its own as long as it is not waited for.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def driven() -> Iterator[Browser]:
    """A browser that the test drives, by Playwright's driver; both end with the context."""
    assert _BROWSER is not None
    from playwright.sync_api import sync_playwright

    options = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_BROWSER, args=options, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's browser: what its pages asked for, and what went wrong on them. Closed with the context."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self._context = browser.new_context(base_url=url, **options)
        self._url = url
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page = self._context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("dialog", self._dialog)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._context.close()
        if kind is None:
            assert self.asked
            assert [url for url in self.asked if not url.startswith(f"{self._url}/")] == []
            assert self.wrong == []

    @property
    def cookies(self) -> list[Any]:
        """All cookies that the browser has."""
        return list(self._context.cookies())

    def fits(self) -> bool:
        """Whether nothing stands out of the page at its side."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()
