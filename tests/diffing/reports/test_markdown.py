from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from diffing.model import Approval, ApprovalState, ApprovalUse, Decision, Result
from diffing.reports import github, markdown
from diffing.reports.markdown_text import code, details, fenced, size, table, within
from diffing.reports.surroundings import Surroundings
from tests.corpus import each
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.hostile import ATTEMPTS, hostile
from tests.diffing.reports.story import clean, inconclusive

OURS = re.compile(
    r"</?code>|</?details>|<details><summary>Reproduce, accept or ignore</summary>"
    r"|<!-- retape: drift report -->|<!-- commit [0-9a-f]+ -->"
)


def tokens(text: str) -> Iterator[Token]:
    """As a forge reads it: with tables, bare HTML and strikethrough."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


def spoken(text: str) -> str:
    """What stands there outside of any code: where mentions, references and bare links would be looked for."""
    said, inside = [], False
    for token in tokens(text):
        if token.type == "html_inline":
            inside = {"<code>": True, "</code>": False}.get(token.content, inside)
        elif token.type == "text" and not inside:
            said.append(token.content)
    return "\n".join(said)


@each("text", [*ATTEMPTS, "", " ", "`", "``", "a`b", "\\", "a\\|b", "|", "#", "<code>", "</code>"])
def test_captured_text_stays_code(text: str) -> None:
    for place in (f"see {code(text)} there", table(["a", "b"], [[code(text), "x"]])):
        outside = spoken(place).split()
        assert set(outside) <= {"see", "there", "a", "b", "x"}
        kinds = {token.type for token in tokens(place)} - {"text", "inline", "code_inline", "html_inline"}
        assert all(kind.startswith(("paragraph", "table", "tr", "th", "td", "tbody", "thead")) for kind in kinds)
        assert all(OURS.fullmatch(token.content) for token in tokens(place) if token.type.startswith("html"))
        assert sum(token.type == "td_open" for token in tokens(place)) in (0, 2)


@pytest.mark.parametrize("text", ATTEMPTS)
def test_a_command_stays_in_its_block(text: str) -> None:
    body = details("x", fenced(["# why", text]))
    assert [token.type for token in tokens(body)] == ["html_block", "fence", "html_block"]
    assert fenced([text]).count("\n") == 2


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda result: result, hostile, lambda result: hostile(result, 60)])
def test_nothing_captured_gets_out(make: object, story: Story) -> None:
    assert callable(make)
    result: Result = make(story.result)
    for text in (markdown.render(result, Surroundings("88d01aa")), github.summary(result)):
        for token in tokens(text):
            if token.type in ("html_block", "html_inline"):
                assert OURS.fullmatch(token.content.strip()), token.content[:200]
            assert token.type not in ("link_open", "image", "strong_open") or token.type == "strong_open"
        said = spoken(text)
        for sign in ("@", "#", "::", "http", "www", "!4", "~b", "$", "PWNED", "everyone"):
            assert sign not in said, (sign, said[:300])
        assert not any(ord(character) < 0x20 and character != "\n" for character in text)
        assert "\u202e" not in text
        assert "##[" not in text or "##[" not in said


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 500])
def test_a_comment_is_below_what_github_takes(count: int, story: Story) -> None:
    text = markdown.render(hostile(story.result, count), Surroundings("88d01aa" * 5))
    assert size(text) < 65_536
    assert len(text) < 65_536
    shown = text.count("\n#### ")
    assert shown <= markdown.SHOWN
    assert (f"{count - shown:,} more group" in text) is (count > shown)
    assert text.endswith("\n")


def test_counts_come_first_then_the_worst_groups_with_their_commands(story: Story) -> None:
    text = markdown.render(story.result, Surroundings("88d01aa" + "0" * 33, "https://ci.test/runs/7"))
    lines = text.splitlines()
    assert lines[:4] == [markdown.MARKER, "<!-- commit 88d01aa" + "0" * 33 + " -->", "", "### ❌ Retape: drift"]
    assert lines[5] == "| recorded | replayed | same | same by rule | drifted | failed | not replayed |"
    assert lines[7] == "| 13 | 12 | 0 | 1 | 10 | 1 | 1 |"
    assert "Drift groups: 🔴 7 errors · 🟡 5 warnings · 🔵 1 info · 1 accepted" in lines
    assert "Of commit 88d01aa00000 in [the job](https://ci.test/runs/7)." in text
    row = '| 🔴 error | `GET /orders/{id}` | `response.body $.items[*].price` | `18.40` → `"18.40"` | 6 |'
    assert row in lines
    said = (
        "`response.body.type-changed` in 6 exchanges · why: `18/18 recorded samples are numbers` · group `a3f8c21b9d04`"
    )
    assert said in lines
    assert "retape replay shop.sqlite --only id:1 -- python -m shop.b --port '{port}'" in lines
    titles = [line for line in lines if line.startswith("#### ")]
    assert len(titles) == 14
    assert "text-changed" in text[text.index(titles[-1]) :], "what was accepted comes last"


@pytest.mark.parametrize(
    ("make", "heading", "said"),
    [
        (clean, "### ✅ Retape: clean", "300 of 300 recorded exchanges answered as recorded"),
        (inconclusive, "### ⚠️ Retape: inconclusive", "- `the target went away after 12 exchanges`"),
    ],
)
def test_the_other_verdicts(make: object, heading: str, said: str, story: Story) -> None:
    assert callable(make)
    text = markdown.render(make(story.result))
    assert heading in text
    assert said in text
    assert "####" not in text


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (["a3f8c21b9d04", "ffffffffffff"], "Since the run before: **12 new groups, 1 gone, 1 as before**."),
        ([], "Since the run before: **13 new groups**."),
    ],
)
def test_it_says_what_changed_since(before: list[str], said: str, story: Story) -> None:
    groups = [{"fingerprint": one, "decision": None} for one in before]
    groups += [{"fingerprint": "eeeeeeeeeeee", "decision": "accepted"}, {"fingerprint": "d", "origin": "flaky"}]
    around = Surroundings(since={"verdict": "drift", "groups": groups})
    assert said in markdown.render(story.result, around)
    assert said in github.summary(story.result, around)


def test_what_was_decided_says_so(story: Story) -> None:
    approval = Approval("a3f8c21b9d04", Decision.REJECTED, reason="see #7 @dana", author="ada")
    group = replace(story.result.groups[0], decision=Decision.REJECTED, approval=approval)
    lapsed = (ApprovalUse(approval, ApprovalState.EXPIRED), ApprovalUse(approval, ApprovalState.UNMATCHED))
    text = markdown.render(replace(story.result, groups=(group,), approvals=lapsed))
    assert "(rejected)" in text
    assert "Decided: `rejected by ada: see #7 @dana`" in text
    assert "Approvals that do not count here: 1 expired, 1 unmatched." in text
    assert "#7" not in spoken(text)


def test_a_group_has_the_commands_that_answer_it(story: Story) -> None:
    text = markdown.render(story.result)
    assert "# it is meant: let it pass\nretape accept runs/run.sqlite a3f8c21b9d04" in text
    assert "# it varies by itself: a rule that still asserts something\nretape ignore runs/run.sqlite a3f8" in text


@pytest.mark.parametrize("limit", [2_000, 3_000, 9_000])
def test_a_cut_is_at_a_section_and_is_said(limit: int) -> None:
    sections = [f"#### {number}\n\n" + "é" * 300 for number in range(20)]
    text = within(limit, "head", iter(sections), 23, lambda rest: f"{rest} more")
    assert size(text) <= limit
    taken = text.count("####")
    assert text == "\n\n".join(["head", *sections[:taken], f"{23 - taken} more"]) + "\n"
    assert size(text) + size(sections[0]) > limit - 200
