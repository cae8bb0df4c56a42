"""The report's data stays compressed until it is looked at, and is let go of again."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diffing.reports import html
from tests.browser.fixture import Browse
from tests.diffing.reports.conftest import Story

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

NOTED = """window.unpacked = [];
window.atob = (read => text => {
    const chunk = [...document.querySelectorAll("script[id]")].find(one => one.textContent.trim() === text);
    window.unpacked.push(chunk ? chunk.id : "?");
    return read(text);
})(atob);"""
GONE = "delete window.DecompressionStream;"


@pytest.fixture(scope="module")
def many(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred groups, alike but for their name."""
    groups = tuple(
        replace(story.result.groups[at % 14], fingerprint=f"{at:012x}", decision=None, approval=None)
        for at in range(400)
    )
    path = tmp_path_factory.mktemp("many") / "many.html"
    path.write_text(html.render(replace(story.result, groups=groups), story.recorded, story.replayed), encoding="utf-8")
    return path


def test_every_chunk_is_compressed(report: Path) -> None:
    chunks = re.findall(r'<script type="application/octet-stream" id="[^"]+">(.*?)</script>', report.read_text("utf-8"))
    assert len(chunks) > 5
    assert {base64.b64decode(chunk)[:2] for chunk in chunks} == {b"\x1f\x8b"}


def unpacked(page: Page) -> list[str]:
    """Chunks of groups and exchanges."""
    return [name for name in page.evaluate("window.unpacked") if name[:2] not in ("in", "v-", "c-")]


def test_a_group_unpacks_itself_and_its_exchange_and_the_first_view_neither(browse: Browse, many: Path) -> None:
    page = browse(many, before=NOTED)
    assert page.locator("script[id^='g-'], script[id^='e-']").count() > 7
    assert page.evaluate("window.unpacked[0]") == "index"
    assert unpacked(page) == []
    browse.go(page, "#group=000000000000")
    assert unpacked(page) == ["g-0", "e-0"]
    browse.go(page, "#group=000000000041")  # 65
    assert unpacked(page) == ["g-0", "e-0", "g-1", "e-0"]


def test_what_was_looked_at_is_let_go(browse: Browse, many: Path) -> None:
    page = browse(many)
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")

    def walked(numbers: range) -> dict[str, float]:
        for number in numbers:
            browse.go(page, f"#group={number:012x}")
        browse.go(page, "#group=000000000000")
        tools.send("HeapProfiler.collectGarbage")
        return {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}

    first, last = walked(range(14)), walked(range(14, 98))
    assert [name for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize") if last[name] > 1.5 * first[name]] == []


def without_decompression(browse: Browse, path: Path) -> Page:
    page = browse(path, before=GONE, ready=False)
    page.get_by_text("The details could not be shown here").wait_for()
    return page


def without_scripts(browse: Browse, path: Path) -> Page:
    return browse(path, java_script_enabled=False, ready=False)


@pytest.mark.parametrize("opened", [without_decompression, without_scripts])
def test_a_browser_that_cannot_unpack_or_run_it_shows_the_summary(
    browse: Browse, report: Path, opened: Callable[[Browse, Path], Page]
) -> None:
    page = opened(browse, report)
    text = page.locator("#static").inner_text()
    assert "Drift groups, worst first" in text
    assert "response.body $.items[*].price" in text
    assert page.locator("#app").is_hidden()
