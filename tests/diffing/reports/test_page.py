"""The page in a real browser, from disk: its script runs under its own policy and nothing captured does."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from diffing.model import Group
from diffing.reports import html
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --v=0 --virtual-time-budget=5000"
).split()


def dom(path: Path, fragment: str, profile: Path) -> str:
    """The page's DOM once its script has run. Fails on any console message."""
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"{path.as_uri()}{fragment}"],
        capture_output=True,
        timeout=120,
        check=True,
    )
    console = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    assert console == []
    return done.stdout.decode("utf-8")


def visible_part(text: str) -> str:
    """Without the data and the script: what a reader gets."""
    return re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def path(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "drift.html"
    path.write_text(html.render(story.result, story.recorded, story.replayed), encoding="utf-8")
    return path


def test_the_first_view_is_drawn_under_its_policy(path: Path, tmp_path: Path) -> None:
    text = dom(path, "", tmp_path)
    shown = visible_part(text)
    assert 'data-ready="yes"' in text
    assert "<title>Drift: 14 drift groups · Retape</title>" in text
    assert shown.count("data-group=") == 14
    assert 'id="static"' not in shown
    assert "PWNED" not in text.split("</title>", maxsplit=1)[0]


def test_a_filter_in_the_link_is_applied(path: Path, tmp_path: Path) -> None:
    shown = visible_part(dom(path, "#q=orders+!price&level=error&kind=outbound,contract", tmp_path))
    assert "4 of 14 groups match" in shown
    assert shown.count("data-group=") == 4


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
        ("#view=rules", ["volatile.identifier", "25 differences are not shown as drift"]),
        ("#view=run", ["Redaction was on", "the run was stopped before it"]),
    ],
)
def test_a_link_leads_to_its_view(path: Path, tmp_path: Path, fragment: str, wanted: list[str]) -> None:
    shown = visible_part(dom(path, fragment, tmp_path))
    assert [words for words in wanted if words not in shown] == []


def test_hostile_content_is_inert(path: Path, tmp_path: Path) -> None:
    text = dom(path, "#group=d2b7f0e8c615", tmp_path)
    shown = visible_part(text)
    assert "<title>Value changed: GET /search · Retape</title>" in text
    assert "<img" not in shown
    assert "&lt;img src=x onerror=" in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown


def test_a_clean_run_says_so(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "clean.html"
    path.write_text(html.render(clean(story.result)), encoding="utf-8")
    assert "Nothing drifted" in visible_part(dom(path, "", tmp_path / "profile"))


def test_many_groups_are_drawn_a_page_at_a_time(story: Story, tmp_path: Path) -> None:
    def numbered(group: Group, number: int) -> Group:
        return replace(group, fingerprint=f"{number:012x}")

    groups = tuple(numbered(story.result.groups[0], number) for number in range(3_000))
    path = tmp_path / "many.html"
    path.write_text(html.render(replace(story.result, groups=groups), story.recorded, story.replayed), encoding="utf-8")
    assert path.stat().st_size < 2 * 1024 * 1024
    shown = visible_part(dom(path, "", tmp_path / "profile"))
    assert shown.count("data-group=") == 200
    assert "3,000 groups" in shown
