"""The views of a report in a real browser: each has a link of its own, fits its window, and prints with the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.fixture import Browse
from tests.diffing.reports.story import ORDERS

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

VIEWS = ("", "endpoints", "contract", "dependencies", "chains", "rules", "latency", "blind", "run")


@pytest.mark.parametrize(
    ("link", "title", "words"),
    [
        ("view=contract", "Contract", ["as the recording shows it", ORDERS]),
        (f"view=contract&endpoint={ORDERS}", "Contract", ["$.items[*].price", "Type changed: 18.40", "6 of 6"]),
        ("view=chains", "Chains", ["values the new build made"]),
        ("view=rules&rule=volatile.identifier", "By rule", ["Your rules", "12 differences", "uuid v4; named id"]),
        ("view=latency", "Latency", ["slower", "60 samples each", "Cliff's delta"]),
        ("view=blind", "Blind spots", ["Isolation", "Looked at, and nothing was missing"]),
        ("group=e91d7c50b3aa&example=2", "Extra call", ["extra, no stub", "This call has the finding."]),
        ("group=a3f8c21b9d04&mode=raw", "Type changed", ["sha256"]),
        ("group=0c44de991b7f&mode=unified", "Array order", ["moved: was item 1, is item 3"]),
    ],
)
def test_each_view_has_a_link_and_a_title(
    report: Path, browse: Browse, link: str, title: str, words: list[str]
) -> None:
    page = browse(report, f"#{link}")
    assert page.title().startswith(title)
    shown = page.locator("#app > :not(.print-only)")
    text = "\n".join(shown.all_text_contents())
    assert [one for one in words if one not in text] == []
    assert "\u202e" not in text


def test_the_way_to_look_at_a_body_is_in_the_address_and_back_leads_back(report: Path, browse: Browse) -> None:
    page = browse(report, "#view=blind")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Drift").click()
    page.locator("a[data-group]").first.click()
    page.locator("#evidence").wait_for()
    page.get_by_role("button", name="Raw").first.click()
    assert "mode=raw" in page.evaluate("location.hash")
    page.locator("a[data-example='2']").click()
    page.locator("a[data-example='2'][aria-current]").wait_for()
    assert page.get_by_role("button", name="Raw").first.get_attribute("aria-pressed") == "true"
    for wanted in ("a[data-example='1'][aria-current]", ".view a[data-group]", ".view #blind"):
        page.go_back()
        page.locator(wanted).first.wait_for()
    assert page.title().startswith("Blind spots")


@pytest.mark.parametrize("width", [390, 1440])
def test_no_view_is_wider_than_its_window(report: Path, browse: Browse, width: int) -> None:
    page = browse(report, width=width, theme="dark" if width == 390 else "light")
    wide = []
    for fragment in (*(f"view={name}" for name in VIEWS), "group=e91d7c50b3aa", "group=a3f8c21b9d04"):
        page.evaluate(f"location.hash = '{fragment}'")
        page.locator(f"html[data-shown='#{fragment}']").wait_for(state="attached")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(fragment)
    assert wide == []


def test_paper_holds_what_the_tabs_hold(report: Path, browse: Browse) -> None:
    page = browse(report)
    page.locator(".print-only #run").wait_for(state="attached")  # the last of them
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    text = page.locator("#app").inner_text()
    wanted = (
        "Drift hidden by rules",
        "uuid v4",
        "What this run could not check",
        "Latency beside",
        "Type changed: 18.40",
    )
    assert [words for words in wanted if words not in text] == []
