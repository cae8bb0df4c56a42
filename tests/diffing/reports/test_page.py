"""The page in a real browser, from disk: its script runs under its own policy and nothing captured does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diffing.model import Group
from diffing.reports import html
from tests.browser.fixture import Browse
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def path(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "drift.html"
    path.write_text(html.render(story.result, story.recorded, story.replayed), encoding="utf-8")
    return path


def test_the_first_view_is_drawn_under_its_policy(path: Path, browse: Browse) -> None:
    page = browse(path)
    assert page.title() == "Drift: 14 drift groups · Retape"
    assert page.locator("a[data-group]").count() == 14
    assert page.locator("#static").count() == 0


def test_a_filter_in_the_link_is_applied(path: Path, browse: Browse) -> None:
    page = browse(path, "#q=orders+!price&level=error&kind=outbound,contract")
    assert "4 of 14 groups match" in page.inner_text("#app")
    assert page.locator("a[data-group]").count() == 4


@pytest.mark.parametrize(
    ("fragment", "wanted"),
    [
        (
            "#group=a3f8c21b9d04",
            ["<del>18.4</del>", '<ins>"18.40"</ins>', "Show 20 unchanged lines", "6 exchanges, 18 places"],
        ),
        ("#group=b71c9e0344fd&example=1", ["What was sent, recorded beside replayed", "stub matched: volatile"]),
        ("#group=9e8d7c6b5a40", ["GET /metrics", "replayed only"]),
        ("#group=000000000000", ["No such group"]),
        ("#view=endpoints", ["Coverage by endpoint", "DELETE /orders/{id}"]),
        ("#view=dependencies", ["nearest recorded", "#11 GET /stock/1, already served"]),
        ("#view=rules", ["volatile.identifier", "37 differences are not shown as drift"]),
        ("#view=run", ["Redaction was on", "the run was stopped before it"]),
    ],
)
def test_a_link_leads_to_its_view(path: Path, browse: Browse, fragment: str, wanted: list[str]) -> None:
    shown = browse(path, fragment).inner_html("body")
    assert [words for words in wanted if words not in shown] == []


def test_a_clean_run_says_so(story: Story, tmp_path: Path, browse: Browse) -> None:
    path = tmp_path / "clean.html"
    path.write_text(html.render(clean(story.result)), encoding="utf-8")
    assert "Nothing drifted" in browse(path).inner_text("#app")


def test_many_groups_are_drawn_a_page_at_a_time(story: Story, tmp_path: Path, browse: Browse) -> None:
    def numbered(group: Group, number: int) -> Group:
        return replace(group, fingerprint=f"{number:012x}")

    groups = tuple(numbered(story.result.groups[0], number) for number in range(3_000))
    path = tmp_path / "many.html"
    path.write_text(html.render(replace(story.result, groups=groups), story.recorded, story.replayed), encoding="utf-8")
    assert path.stat().st_size < 2 * 1024 * 1024
    page = browse(path)
    assert page.locator("a[data-group]").count() == 200
    assert "3,000 groups" in page.inner_text("#app")
