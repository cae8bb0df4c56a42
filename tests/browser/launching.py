"""Debian's Chromium, driven by Playwright: nothing is downloaded, nothing but the page may be asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PATIENCE = 60_000.0  # milliseconds for any one condition: the machine may be doing much else
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()


def chromium() -> str | None:
    """The path of a Chromium (``tests/system_packages.sh`` installs one), or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running(executable: str | Path) -> Iterator[Browser]:
    """A headless browser that ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, timeout=2 * PATIENCE)
        try:
            yield browser
        finally:
            browser.close()
