"""The page of the trend: what it says, and that nothing in it can run."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from diffing.history.trend import trend_of
from diffing.reports.trends import page
from tests.diffing.history.making import entry
from tests.diffing.reports.trends.story import history

VOID = {"meta", "link", "br"}


class Read(HTMLParser):
    """Elements with attributes, and the text; refuses what is not closed as it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(text: str) -> Read:
    found = Read()
    found.feed(text)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return page.render(history())


def test_everything_has_its_place(text: str) -> None:
    found = read(text)
    said = " ".join(" ".join(found.text).split())
    for words in (
        "Drift in the last run", "The last 12 of 57 runs", "Endpoints that drift most", "Open longest",
        "Moves by itself", "comes and goes between runs of one build", "Runs, newest first", "Inconclusive",
        "retape learn CAPTURE --runs 5 -- CMD", "smoke", "full, --only path:/orders/*",
    ):  # fmt: skip
        assert words in said
    assert sum(tag == "svg" and attributes.get("role") == "img" for tag, attributes in found.elements) == 4
    assert sum(tag == "title" for tag, _ in found.elements) > 40  # each mark says its number


def test_nothing_in_it_can_run(text: str) -> None:
    found = read(text)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "iframe", "img", "object", "form", "b", "i"}
    names = {name for _, attributes in found.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    policy = next(attributes["content"] or "" for tag, attributes in found.elements if "http-equiv" in attributes)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7 * 7 }}" in text


def test_ids_are_unique_and_referred_to(text: str) -> None:
    found = read(text)
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.elements:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_runs(count: int) -> None:
    said = " ".join(read(page.render(trend_of([entry(number) for number in range(count)]))).text)
    assert ("No runs yet" in said) is (count == 0)
    assert ("retape replay CAPTURE -- CMD" in said) is (count == 0)


def test_the_same_history_is_the_same_page(text: str) -> None:
    assert page.render(history()) == text
