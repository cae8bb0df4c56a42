from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from diffing.model import ABSENT, Finding
from diffing.reports import html, page_data
from diffing.reports.packing import EXCHANGES
from tests.diffing.reports import embedded
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import HOSTILE


class Page(HTMLParser):
    """The page's elements, and the text right inside each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[int, str] = {}
        self._open: int | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = len(self.elements)
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.inside[self._open] = self.inside.get(self._open, "") + data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, self.inside.get(at, "")) for at, (name, attributes) in enumerate(self.elements) if name == tag
        ]

    def chunk(self, identity: str) -> Any:
        (text,) = [text for attributes, text in self.all("script") if attributes.get("id") == identity]
        return embedded.read(text)

    def exchange(self, key: str) -> Any:
        chunks = [(str(one["id"]), text) for one, text in self.all("script") if one.get("id") not in (None, "index")]
        return embedded.exchanges(chunks)[key]


@pytest.fixture(scope="module")
def text(story: Story) -> str:
    return html.render(story.result, story.recorded, story.replayed)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def _digest(inside: str) -> str:
    return "'sha256-" + base64.b64encode(sha256(inside.encode()).digest()).decode() + "'"


def test_the_policy_names_exactly_the_one_script_and_the_one_style(page: Page) -> None:
    (policy,) = [a["content"] for a, _ in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    rules = dict(part.split(" ", 1) for part in policy.split("; "))
    (style,) = [inside for _, inside in page.all("style")]
    (script,) = [inside for attributes, inside in page.all("script") if "type" not in attributes]
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == _digest(script)
    assert rules["style-src"] == _digest(style)
    assert rules["require-trusted-types-for"] == "'script'"


def test_nothing_captured_becomes_an_element(text: str, page: Page) -> None:
    assert HOSTILE not in text
    assert not page.all("img")
    for attributes, inside in page.all("script"):
        if "type" in attributes:
            assert attributes["type"] == "application/octet-stream"
            assert re.fullmatch(r"[A-Za-z0-9+/=]+", inside)
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_it_asks_nothing_of_the_network(text: str, page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "srcset"):
            where = attributes.get(name)
            assert where is None or where.startswith(("#", "data:")), (tag, where)
    code = "".join(inside for attributes, inside in page.all("script") if "type" not in attributes)
    code += "".join(inside for _, inside in page.all("style"))
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\bfetch\(|XMLHttpRequest|\bimport\b|@import|url\(", code)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", code)


def test_the_summary_stands_without_a_script(text: str, page: Page) -> None:
    assert "<noscript>" in text
    assert "<h1>Drift</h1>" in text
    assert "13 recorded, 12 replayed, 0 same, 1 same by rule, 10 drifted, 1 failed, 1 not replayed." in text
    rows = [inside for _, inside in page.all("td")]
    assert "response.body.type-changed" in rows
    assert any("&lt;/script&gt;" in line for line in text.splitlines())


def test_it_is_the_same_every_time(text: str, story: Story) -> None:
    assert html.render(story.result, story.recorded, story.replayed) == text


def test_the_index_holds_what_the_first_view_needs(page: Page) -> None:
    index = page.chunk("index")
    assert [group["id"] for group in index["groups"]][:2] == ["a3f8c21b9d04", "71be02c9aa10"]
    assert index["groups"][0]["from"] == "18.40"
    assert index["groups"][1]["to"] is None
    assert index["sides"][0] == {
        "label": "Recorded",
        "file": "shop.sqlite",
        "build": "shop A 4f2c1e9",
        "when": "2026-09-21 14:13:20 to 14:13:20 UTC",
    }
    assert index["sides"][1]["file"] == "run.sqlite"
    assert (index["missed"], len(index["misses"])) == (12, 12)
    assert ["Replayed command", "python -m shop.b"] in index["about"]
    assert "somebody" not in json.dumps(index)
    assert ["not replayed", "the run was stopped before it", 1, [27]] in index["unanswered"]


def test_a_groups_chunk_says_why_and_what_to_do(page: Page) -> None:
    group = page.chunk("g-0")["a3f8c21b9d04"]
    assert group["evidence"] == "18/18 recorded samples are numbers"
    assert group["command"].startswith("retape replay shop.sqlite --only id:1")
    assert group["rule"].startswith("[[rules]]")
    assert len(group["examples"]) == 5
    assert group["examples"][0]["key"] == "x-1"


def test_an_exchange_is_shown_recorded_beside_replayed(page: Page) -> None:
    detail = page.exchange("x-1")
    assert detail["line"] == "GET /orders/1?expand=items"
    assert detail["changes"] == [["target /orders/{id}", "the id that POST /orders gave for 1"]]
    rows = detail["body"]["rows"]
    assert ["~", 3, '"price": 18.4', '"price": "18.40"', "$.items[0].price", ""] in rows
    assert [row[0] for row in rows if len(row) > 4 and row[4] == "$.created_at"] == ["r"]
    headers = {(row[0], row[1]) for row in detail["headers"]}
    assert ("-", "Strict-Transport-Security") in headers
    assert ("r", "Date") in headers
    assert [call["mark"] for call in detail["calls"]] == ["=", "+", "+"]
    assert detail["calls"][1]["replayed"]["miss"] is True


def test_outbound_calls_are_compared_with_what_was_sent(page: Page) -> None:
    detail = page.exchange("x-20")
    charged, audited = detail["calls"]
    assert (charged["mark"], audited["mark"]) == ("~", "-")
    assert ["~", 1, '"amount": 5520', '"amount": 552', "$.amount", ""] in charged["body"]["rows"]


def test_large_and_odd_bodies(page: Page) -> None:
    search = page.exchange("x-23")["body"]
    assert search["left"]["cut"] is True
    assert len(search["left"]["raw"]) == 64 * 1024
    assert re.fullmatch(r"[0-9a-f]{64}", search["left"]["sha256"])
    text = page.exchange("x-24")["body"]
    assert text["left"]["coding"] == "gzip"
    assert text["left"]["raw"].startswith("<html>\n")
    assert page.exchange("x-25")["body"]["left"]["raw"].startswith("000000  00 01 02")
    assert page.exchange("x-26")["replayed"]["failure"] == "timeout no answer in 10 s"
    assert page.exchange("r-149")["recorded"] is None


def test_calls_that_no_request_caused_are_shown_by_themselves(story: Story) -> None:
    finding = Finding(
        "outbound.unattributed", "(start-up)", "outbound audit POST /events", "", 1, ABSENT, 22, outbound_recorded=22
    )
    group = replace(story.result.groups[0], examples=(finding,), endpoint=finding.endpoint)
    chunks = page_data.chunks(replace(story.result, groups=(group,)), story.recorded, story.replayed)
    ((name, detail),) = embedded.exchanges(chunks).items()
    assert (name, detail["line"], detail["replayed"]) == ("u-22-0", "POST /events", None)


def test_calls_that_findings_name_are_shown_though_their_cause_is_not_certain(story: Story) -> None:
    health = next(one for one in story.result.judgements if one.exchange == 28)
    finding = Finding("outbound.missing", health.endpoint, "outbound audit POST /events", "", 1, ABSENT, 28, "", 22)
    result = replace(
        story.result,
        groups=(replace(story.result.groups[0], examples=(finding,)),),
        judgements=(replace(health, findings=(finding,)),),
    )
    ((_, detail),) = embedded.exchanges(page_data.chunks(result, story.recorded, story.replayed)).items()
    calls = detail["calls"]
    assert [(call["mark"], call["recorded"]["id"]) for call in calls] == [("-", 22)]


def test_past_the_budget_examples_are_left_out_and_groups_stay(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = embedded.exchanges(page_data.chunks(story.result, story.recorded, story.replayed))
    assert len(whole) == 11
    monkeypatch.setattr(page_data, "BUDGET", 1)
    chunks = list(page_data.chunks(story.result, story.recorded, story.replayed))
    assert [name for name, _ in chunks] == ["e-0", "g-0"]
    first = {group.examples[0].exchange for group in story.result.groups}
    shown = embedded.exchanges(chunks)
    assert len(shown) == EXCHANGES
    assert first <= {int(key.partition("-")[2]) for key in shown}
    assert all(whole[key] == detail for key, detail in shown.items())


@pytest.mark.parametrize(("source", "named"), [("/elsewhere/a shop.sqlite", ""), (None, " --recorded 'a shop.sqlite'")])
def test_the_page_says_what_to_type_about_a_group(story: Story, source: str | None, named: str) -> None:
    paths = {"recorded_path": "/home/ada/a shop.sqlite", "replayed_path": "/home/ada/run.sqlite"}
    result = replace(story.result, **paths, meta={"replayed": {"source": source}})
    assert page_data.index(result, None, None)["decide"] == {
        "accept": f"retape accept run.sqlite @GROUP@{named}",
        "ignore": f"retape ignore run.sqlite @GROUP@{named}",
        "reject": f"retape reject run.sqlite @GROUP@{named}",
        "pin": "retape pin 'a shop.sqlite' --only id:",
        "review": f"retape review run.sqlite{named}",
    }
    assert page_data.index(replace(result, replayed_path=""), None, None)["decide"] == {}


@pytest.mark.parametrize(
    ("class_id", "recorded", "replayed", "shown"),
    [
        ("outbound.repeated", 1, 2, ("1 call", "2 calls")),
        ("outbound.extra", ABSENT, 2, ("0 calls", "2 calls")),
        ("response.body.field-removed", "(absent)", ABSENT, ('"(absent)"', None)),
    ],
)
def test_values_are_those_of_the_other_reports(
    class_id: str, recorded: object, replayed: object, shown: tuple[str, str | None], story: Story
) -> None:
    group = replace(story.result.groups[0], class_id=class_id, recorded=recorded, replayed=replayed, examples=())
    (one,) = page_data.index(replace(story.result, groups=(group,)), None, None)["groups"]
    assert (one["from"], one["to"]) == shown
