"""The page of the trend in a real browser: quiet, inside the window, and usable by whoever cannot see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffing.history.trend import trend_of
from diffing.reports.trends import page as trend_page
from tests.browser import places
from tests.browser.fixture import Browse, Theme
from tests.diffing.reports.trends.story import history

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]


@pytest.fixture
def trend(tmp_path: Path) -> Path:
    path = tmp_path / "trend.html"
    path.write_text(trend_page.render(history()), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark"), (390, "light"), (1440, "dark")])
def test_it_breaks_no_rule_and_fits(browse: Browse, trend: Path, axe: str, width: int, theme: Theme) -> None:
    page = browse(trend, width=width, theme=theme, bypass_csp=True, ready=False)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert places.violations(page, axe) == []


def test_the_style_sheet_applies_under_the_policy(browse: Browse, trend: Path) -> None:
    page = browse(trend, ready=False)
    plot = page.locator("svg.plot").first.bounding_box()
    assert plot is not None
    assert plot["width"] > 300
    assert page.locator("svg.plot .error rect").first.evaluate("one => getComputedStyle(one).fill") != "rgb(0, 0, 0)"
    page.emulate_media(media="print")
    assert page.locator(".plot").first.is_visible()


def test_an_empty_history_breaks_no_rule(browse: Browse, tmp_path: Path, axe: str) -> None:
    path = tmp_path / "empty.html"
    path.write_text(trend_page.render(trend_of([])), encoding="utf-8")
    page = browse(path, width=390, bypass_csp=True, ready=False)
    assert page.get_by_text("retape replay CAPTURE -- CMD").is_visible()
    assert places.violations(page, axe) == []
