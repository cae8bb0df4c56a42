"""The page in a real browser: what a person clicks and types, and what is in the files then.

``browse`` fails each of these for a console message, an error, or a request to anybody but the review's own server.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import places
from tests.browser.fixture import Browse, Theme
from tests.replayer.review.conftest import Review

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

ASKING = "dialog[open]"
RECEIPT = "#receipt strong"


def written(review: Review, table: str = "approvals") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(review.rules.read_text(encoding="utf-8")).get(table, [])
    return found


def confirm(page: Page, **typed: str) -> str:
    """Fill in what is asked and confirm; what the page says was done."""
    for name, text in typed.items():
        page.locator(f'{ASKING} [name="{name}"]').fill(text)
    page.locator(f"{ASKING} button[type=submit]:enabled").click()
    page.locator(ASKING).wait_for(state="detached")
    return page.locator(RECEIPT).inner_text()


def focused(page: Page) -> str:
    """What has the focus, as a person would be told."""
    said: str = page.evaluate(
        "document.activeElement.dataset.group || document.activeElement.id || document.activeElement.innerText"
    )
    return said


def test_one_group_is_accepted_by_click_and_undone(review: Review, browse: Browse) -> None:
    page = browse(review.address)
    assert page.url == f"http://127.0.0.1:{review.port}/"
    (cookie,) = page.context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    page.locator("a[data-group]", has_text="$.stock").click()
    page.locator("#decide-panel button", has_text="Accept").click()
    page.locator(ASKING).get_by_label("Until", exact=True).check()
    page.locator(f"{ASKING} button[type=submit]").click()
    page.locator(".problem", has_text="Name the day.").wait_for()
    said = confirm(page, day="2026-12-31", reason="ORD-1182", author="Ada")
    assert said == "Accepted 1 group."
    (entry,) = written(review)
    assert (entry["reason"], entry["author"], str(entry["until"])) == ("ORD-1182", "Ada", "2026-12-31")
    assert f'+fingerprint = "{entry["fingerprint"]}"' in page.locator("#receipt pre").inner_text()
    assert page.locator("#decide-panel h2").inner_text() == "Accepted"
    assert "until 2026-12-31: ORD-1182" in page.locator(".decided-by").inner_text()
    assert page.locator(".lead .chip.decision").inner_text() == "accepted"
    page.locator("#receipt button", has_text="Undo").click()
    page.locator("#decide-panel h2", has_text="Decide").wait_for()
    assert page.locator(RECEIPT).inner_text() == "Undone: accepted 1 group."
    assert not review.rules.exists()


def test_what_the_filters_show_is_decided_together_and_the_verdict_follows(review: Review, browse: Browse) -> None:
    page = browse(review.address, "#q=orders&level=error")
    shown = page.locator("a[data-group]").count()
    assert 1 < shown < len(review.groups)
    page.get_by_label(f"Tick all {shown} that the filters show").check()
    page.get_by_label("Search drift groups").fill("login")
    bar = page.locator("#ticked")
    assert f"{shown} ticked" in bar.inner_text()
    assert f"{shown} of them not shown" in bar.inner_text()
    page.locator("#acts button", has_text="Accept").click()
    assert f"{shown} groups" in page.locator(ASKING).inner_text()
    assert confirm(page, reason="all") == f"Accepted {shown} groups."
    assert len(written(review)) == shown
    assert page.locator("input[data-tick]:checked").count() == 0
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label(f"Tick all {len(review.groups)}").check()
    page.locator("#acts button", has_text="Accept").click()
    assert f"{shown} of them are decided already" in page.locator(ASKING).inner_text()
    confirm(page, reason="everything")
    assert page.locator("h1").inner_text() == "Clean"
    assert page.locator("li.group.decided").count() == len(review.groups)
    page.reload()
    page.locator("html[data-ready]").wait_for(state="attached")
    assert page.locator("h1").inner_text() == "Clean"


def test_everything_can_be_done_from_the_keyboard(review: Review, browse: Browse) -> None:
    page = browse(review.address)
    press = page.keyboard.press
    press("j")
    first = focused(page)
    press("x")
    page.locator(ASKING).wait_for()
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.type("apixu, typed into a field")
    press("Enter")
    page.locator(RECEIPT, has_text="Rejected 1 group.").wait_for()
    assert [(entry["fingerprint"], entry["reason"]) for entry in written(review)] == [
        (first, "apixu, typed into a field")
    ]
    assert focused(page) == first
    press("j")
    press("p")
    page.locator(f"{ASKING} pre").wait_for()
    press("Escape")
    page.locator(ASKING).wait_for(state="detached")
    assert not (review.folder / "pins").exists()
    press("u")
    page.locator(RECEIPT, has_text="Undone: rejected 1 group.").wait_for()
    press("?")
    assert "Undo the last change" in page.locator("#help").inner_text()
    page.get_by_label("Single-key shortcuts").uncheck()
    press("Escape")
    page.locator("a[data-group]").first.focus()
    press("a")
    assert page.locator(ASKING).count() == 0


def test_the_focus_stays_on_the_row_and_is_not_hidden_by_what_was_written(review: Review, browse: Browse) -> None:
    page = browse(review.address)
    page.locator("a[data-group]").nth(5).focus()
    at = focused(page)
    page.keyboard.press("a")
    confirm(page, reason="x")
    assert focused(page) == at
    row, receipt = page.locator("li.group.decided").bounding_box(), page.locator("#receipt").bounding_box()
    assert row is not None
    assert receipt is not None
    assert 0 <= row["y"] <= row["y"] + row["height"] <= receipt["y"]


def test_a_rule_is_read_before_it_is_written_and_other_groups_stay(review: Review, browse: Browse) -> None:
    page = browse(review.address)
    page.locator("a[data-group]", has_text="$.stock").focus()
    page.keyboard.press("i")
    page.locator(f"{ASKING} pre", has_text="[[rules]]").wait_for()
    assert "What else it would hide" in page.locator(ASKING).inner_text()
    assert not review.rules.exists()
    assert confirm(page, reason="counts move") == "Ignored 1 group."
    assert written(review, "rules")[0]["reason"] == "counts move"
    assert page.locator("li.group.decided", has_text="$.stock").locator(".chip.decision").inner_text() == "ignored"
    assert page.locator("li.group:not(.decided)").count() == len(review.groups)
    page.reload()
    page.locator("html[data-ready]").wait_for(state="attached")
    assert page.locator("a[data-group]").count() == len(review.groups)  # it is a rule's now, and no drift
    page.get_by_role("button", name="Undo Ignored 1 group").click()
    page.get_by_role("alert").get_by_text("1 group more now").wait_for()
    page.get_by_role("button", name="Show all").click()
    page.locator("a[data-group]", has_text="$.stock").wait_for()
    assert page.get_by_role("alert").count() == 0


def test_a_pin_of_the_example_at_hand_is_written(review: Review, browse: Browse) -> None:
    group = review.named("$.stock")
    page = browse(review.address)
    page.goto(f"{page.url}#group={group.fingerprint}&example=2")
    page.locator("#decide-panel button", has_text="Pin").click()
    page.locator(f"{ASKING} pre").wait_for()
    page.get_by_label("What this build answers").check()
    page.locator(f"{ASKING} pre", has_text="stock: '").wait_for()
    assert confirm(page) == "Pinned 1 exchange."
    (pin,) = (review.folder / "pins").rglob("*.yaml")
    assert pin.stem == f"200-{group.examples[1].exchange}"
    page.keyboard.press("u")
    page.locator(RECEIPT, has_text="Undone").wait_for()
    assert not pin.exists()


def test_two_tabs_and_an_editor_show_each_other_s_changes(review: Review, browse: Browse) -> None:
    one = browse(review.address)
    other = browse(review.address)
    one.locator("a[data-group]").first.focus()
    one.keyboard.press("a")
    confirm(one, reason="x")
    other.evaluate("window.dispatchEvent(new Event('focus'))")
    other.locator("li.group.decided").wait_for()
    review.rules.unlink()
    one.evaluate("window.dispatchEvent(new Event('focus'))")
    one.locator("li.group.decided").wait_for(state="detached")
    assert "changed elsewhere" in one.locator("#said").inner_text()


def test_a_run_that_was_replaced_is_offered(review: Review, browse: Browse) -> None:
    page = browse(review.address)
    run = review.folder / "run.sqlite"
    run.write_bytes((review.folder / "shop.sqlite").read_bytes())
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.get_by_role("alert").get_by_text("The run was replaced").wait_for()
    page.get_by_role("button", name="Review the new run").click()
    page.get_by_role("alert").wait_for(state="detached")
    page.locator("html[data-ready]").wait_for(state="attached")


def test_nothing_captured_runs_wherever_it_is_shown(hostile: Review, browse: Browse) -> None:
    """Its groups, the rule and the pin made of it, the diff of the file, the errors."""
    page = browse(hostile.address)
    rows = page.locator("a[data-group]", has_text="PWNED")
    ids = rows.evaluate_all("links => links.map(link => link.dataset.group)")
    for group in ids:
        page.evaluate(f"location.hash = 'group={group}'")
        page.locator(f"#decide-panel[data-group='{group}']").wait_for()
        for key in "ip":
            page.keyboard.press(key)
            page.locator(f"{ASKING} :is(pre, .problem:not(:empty), .subjects + .preview .subjects)").first.wait_for()
            page.keyboard.press("Escape")
            page.locator(ASKING).wait_for(state="detached")
        page.keyboard.press("x")
        assert confirm(page, reason="<img src=x onerror=alert(1)>\u202e") == "Rejected 1 group."
    assert len(ids) > 2
    assert "PWNED" not in page.title()
    assert page.locator("img, iframe, #app script").count() == 0


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_no_part_of_it_breaks_wcag(review: Review, browse: Browse, axe: str, theme: Theme, width: int) -> None:
    page = browse(review.address, theme=theme, width=width, bypass_csp=True)
    found = {"the list": places.violations(page, axe)}
    page.locator("input[data-tick]").first.check()
    found["ticked"] = places.violations(page, axe)
    page.locator("a[data-group]").first.click()
    page.locator("#decide-panel").wait_for()
    for key in "aixp":
        page.keyboard.press(key)
        page.locator(f"{ASKING} button[type=submit]:enabled").wait_for()
        found[f"asked after {key}"] = places.violations(page, axe)
        assert page.locator(ASKING).evaluate("one => one.scrollWidth <= one.clientWidth"), key
        page.keyboard.press("Escape")
        page.locator(ASKING).wait_for(state="detached")
    page.keyboard.press("a")
    confirm(page, reason="x")
    found["decided"] = places.violations(page, axe)
    page.keyboard.press("Escape")
    page.locator("li.group.decided").wait_for()
    found["decided, in the list"] = places.violations(page, axe)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {place: lines for place, lines in found.items() if lines} == {}
