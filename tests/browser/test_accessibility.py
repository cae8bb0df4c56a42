"""Who can use the report: axe-core on every view, the keyboard alone, narrow and magnified screens, less motion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import places
from tests.browser.fixture import Browse, Theme

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

GROUPS = (0, 3, 9)  # a field in arrays, the body of a call, a very long value


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_view_breaks_wcag(browse: Browse, report: Path, axe: str, theme: Theme, width: int) -> None:
    page = browse(report, width=width, theme=theme, bypass_csp=True)
    groups = places.groups(page)
    found = {}
    for place in (*places.views(page), *(groups[at] for at in GROUPS)):
        browse.go(page, place)
        places.open_all(page)
        found[place] = places.violations(page, axe)
    browse.go(page, "")
    for opener in page.locator("[aria-haspopup=dialog]").all():
        opener.click()
        found[f"the dialog of {opener.inner_text()}"] = places.violations(page, axe)
        page.keyboard.press("Escape")
    assert len(found) > 10
    assert {place: lines for place, lines in found.items() if lines} == {}


def test_the_summary_for_browsers_without_scripts_breaks_no_rule(browse: Browse, report: Path, axe: str) -> None:
    plain = report.with_name("plain.html")
    plain.write_text(report.read_text(encoding="utf-8").rpartition("<script>")[0], encoding="utf-8")
    for theme, width in (("light", 1440), ("dark", 390)):
        page = browse(plain, theme=theme, width=width, bypass_csp=True, ready=False)  # type: ignore[arg-type]
        assert "Drift groups, worst first" in page.inner_text("main")
        assert places.violations(page, axe) == []


# -- keyboard -----------------------------------------------------------------------------------------------------

REACHABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter(one => !one.disabled && one.checkVisibility({ visibilityProperty: true }))
    .map((one, at) => (one.dataset.stop = String(at), one.outerHTML.slice(0, 160)))"""
FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body || one === document.documentElement) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const bar = document.getElementById("top").getBoundingClientRect();
    const middle = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const under = box.bottom > bar.bottom + 2 || one.contains(middle);
    return {
        stop: one.dataset.stop === undefined ? null : Number(one.dataset.stop),
        html: one.outerHTML.slice(0, 160),
        ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.top < innerHeight && box.bottom > 0 && under,
    };
}"""


def walked(page: Page, key: str = "Tab") -> list[dict[str, Any]]:
    """Where ``key`` leads, from the beginning of the page until it leaves the page."""
    found: list[dict[str, Any]] = []
    for _ in range(600):
        page.keyboard.press(key)
        at = page.evaluate(FOCUSED)
        if at is None or (found and at["stop"] == found[0]["stop"]):  # out of the page, or round again
            return found
        found.append(at)
    raise AssertionError(f"{key} does not leave the page: {[one['html'] for one in found[-6:]]}")


@pytest.mark.parametrize("width", [1440, 390])
def test_tab_reaches_everything_visibly_and_leaves(browse: Browse, report: Path, width: int) -> None:
    page = browse(report, width=width)
    groups = places.groups(page)
    for place in (*places.views(page), groups[0], groups[3]) if width > 390 else ("", groups[0]):
        page.goto("about:blank")
        page.goto(report.as_uri() + place)
        page.locator("html[data-ready]").wait_for(state="attached")
        wanted = page.evaluate(REACHABLE)
        found = walked(page)
        stops = [one["stop"] for one in found if one["stop"] is not None]
        assert [wanted[at] for at in range(len(wanted)) if at not in stops] == [], place
        assert stops == sorted(stops), place  # in the order of reading
        assert [one["html"] for one in found if not (one["ring"] and one["seen"])] == [], place


def test_the_keyboard_alone_finds_opens_and_leaves_a_group(browse: Browse, report: Path) -> None:
    page = browse(report)
    press = page.keyboard.press
    press("Tab")
    press("Enter")  # skip to the report
    assert page.evaluate("document.activeElement.id") == "main"
    press("/")
    page.keyboard.type("level:error outbound")
    page.get_by_text("3 of 14 groups match").wait_for()
    press("Escape")
    press("j")
    press("j")
    press("Enter")
    page.locator("html[data-shown*='e91d7c50b3aa']").wait_for(state="attached")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    press("j")
    page.locator("html[data-shown*='5ac0194de8b2']").wait_for(state="attached")
    press("Escape")
    page.get_by_text("3 of 14 groups match").wait_for()
    assert page.evaluate("document.activeElement.dataset.group") == "5ac0194de8b2"


def test_the_help_takes_focus_and_gives_it_back(browse: Browse, report: Path) -> None:
    page = browse(report)
    opener = page.get_by_role("button", name="Keyboard")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Keyboard")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    box = dialog.get_by_role("checkbox")
    box.focus()
    page.keyboard.press("Space")  # single keys off: WCAG 2.1.4
    page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert opener.evaluate("one => one === document.activeElement")
    page.keyboard.press("?")
    assert dialog.is_hidden()


# -- screens ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scale"), [(320, 4), (390, 1)])
def test_no_view_scrolls_sideways(browse: Browse, report: Path, width: int, scale: int) -> None:
    """320 pixels are also what is left of 1280 at 400 % (WCAG 1.4.10)."""
    page = browse(report, width=width, height=256 if scale > 1 else 800, device_scale_factor=scale)
    over = {}
    for place in (*places.views(page), *places.groups(page)[:: 3 if scale == 1 else 1]):
        browse.go(page, place)
        places.open_all(page)
        over[place] = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert {place: by for place, by in over.items() if by > 0} == {}


def test_paper_holds_every_view_within_its_width(browse: Browse, report: Path) -> None:
    page = browse(report, width=718, height=1047)  # A4 with Chromium's margins
    views = len(places.views(page))
    page.locator(".print-only > *").nth(views - 2).wait_for(state="attached")
    page.emulate_media(media="print")
    assert page.locator(".tabs").is_hidden()
    assert page.locator(".identity").is_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("width", [320, 390])
def test_the_tab_one_is_on_is_in_sight(browse: Browse, report: Path, width: int) -> None:
    page = browse(report, width=width)
    for view in places.views(page):
        browse.go(page, view)
        box = page.locator(".tabs a[aria-current]").bounding_box()
        assert box is not None
        assert box["x"] >= 0, view
        assert box["x"] + box["width"] <= width, view


def test_text_may_be_spaced_and_doubled(browse: Browse, report: Path) -> None:
    """WCAG 1.4.4 and 1.4.12: nothing that was readable is cut off."""
    page = browse(report, width=1280, bypass_csp=True)
    page.add_style_tag(
        content="* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }"
        "html { font-size: 200%; } body { font-size: 30px; }"
    )
    for place in (*places.views(page), places.groups(page)[0]):
        browse.go(page, place)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), place
        cut = page.evaluate(
            """() => [...document.querySelectorAll("h1, h2, h3, button, .chip, .tabs a")].filter(one =>
                one.checkVisibility() && !one.closest(".hidden") && one.scrollWidth > one.clientWidth + 1
                && getComputedStyle(one).overflowX !== "visible").map(one => one.outerHTML.slice(0, 120))"""
        )
        assert cut == [], place


def test_motion_stops_where_it_is_not_wanted(browse: Browse, report: Path) -> None:
    page = browse(report, reduced_motion="reduce")
    browse.go(page, places.groups(page)[0])
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap(one => ["", "::before", "::after"].map(part =>
            getComputedStyle(one, part || null))).filter(style => style.animationName !== "none"
            || style.transitionDuration.split(",").some(part => parseFloat(part) > 0)
            || style.scrollBehavior === "smooth").length"""
    )
    assert moving == 0
