"""``browse``: a page in a real browser; the test fails at its end if the page did what no page of ours does.

One browser serves all tests of a worker; each page gets a context of its own, which shares nothing with others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urldefrag, urlsplit

import pytest

from tests.browser.launching import PATIENCE, chromium, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

Theme = Literal["light", "dark"]


class Browse:
    """Opens pages, each in a fresh context, and writes down in ``trouble`` what they do beyond being looked at.

    Trouble is: a request for anything but the page (or, of a page that came over HTTP, its own origin), anything on
    the console, an error nobody caught, a dialog, a window, a download.
    """

    def __init__(self, browser: Browser) -> None:
        self.trouble: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __call__(
        self,
        page: Path | str,
        fragment: str = "",
        *,
        width: int = 1440,
        height: int = 900,
        theme: Theme = "light",
        ready: bool = True,
        before: str = "",
        **options: Any,
    ) -> Page:
        """``page`` (a file or an address) with ``fragment``, once it says that it is drawn.

        ``ready=False`` does not wait for that. ``before`` is a script that runs before the page's own. ``options`` are
        Playwright's for a context: ``bypass_csp``, ``java_script_enabled``, ``reduced_motion`` …
        """
        viewport = {"width": width, "height": height}
        context = self._browser.new_context(viewport=viewport, color_scheme=theme, **options)
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(PATIENCE)
        address = page.resolve().as_uri() if isinstance(page, Path) else page
        if before:
            context.add_init_script(before)
        opened = context.new_page()
        self._watch(opened, urldefrag(address).url)
        context.on("page", lambda window: self.trouble.append(f"a window: {window.url}"))
        opened.goto(address + fragment, wait_until="domcontentloaded")
        if ready:
            opened.locator("html[data-ready]").wait_for(state="attached")
        return opened

    def go(self, page: Page, fragment: str) -> None:
        """Follow a link within the report (``#group=…``), until what it leads to is drawn."""
        page.evaluate("fragment => { location.hash = fragment; }", fragment)
        wanted = page.evaluate("location.hash")
        page.locator(f"html[data-shown={json.dumps(wanted)}]").wait_for(state="attached")

    def close(self) -> None:
        """Close what was opened."""
        while self._contexts:
            self._contexts.pop().close()

    def _watch(self, page: Page, address: str) -> None:
        note = self.trouble.append
        page.on("request", lambda request: None if _own(request.url, address) else note(f"a request: {request.url}"))
        page.on("console", lambda message: note(f"on the console, {message.type}: {message.text}"))
        page.on("pageerror", lambda error: note(f"an error: {error}"))
        page.on("dialog", self._dismiss)
        page.on("download", lambda download: note(f"a download: {download.url}"))
        page.on("worker", lambda worker: note(f"a worker: {worker.url}"))
        page.on("crash", lambda _: note("a crash"))

    def _dismiss(self, dialog: Dialog) -> None:
        self.trouble.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def _own(url: str, page: str) -> bool:
    if url.startswith("data:") or urldefrag(url).url == page:
        return True
    asked, own = urlsplit(url), urlsplit(page)
    return own.scheme in ("http", "https") and (asked.scheme, asked.netloc) == (own.scheme, own.netloc)


class Engine:
    """A browser that sleeps between tests: awake, Playwright's loop would pass for the loop of every other test."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)

    @contextmanager
    def awake(self) -> Iterator[Browser]:
        """The browser, to be used within the block."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """One Chromium for all tests of this worker."""
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium: tests/system_packages.sh installs one where it may")
    with ExitStack() as stack:
        engine = Engine(stack.enter_context(running(executable)))
        yield engine
        asyncio._set_running_loop(engine._loop)  # for closing


@pytest.fixture
def browse(engine: Engine) -> Iterator[Browse]:
    """Open pages; fails at the end of the test for whatever they did beyond being looked at."""
    with engine.awake() as browser:
        visits = Browse(browser)
        try:
            yield visits
        finally:
            visits.close()
        assert visits.trouble == []
