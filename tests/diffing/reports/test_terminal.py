from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from diffing.model import Level, Result
from diffing.reports import terminal, write
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.story import clean, inconclusive


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class AsciiPipe(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def printed(
    story: Story, result: Result | None = None, stream: io.StringIO | None = None, width: int | None = None
) -> str:
    stream = stream or io.StringIO()
    write(result or story.result, "terminal", story.recorded, story.replayed, stdout=stream, width=width)
    return stream.getvalue()


def test_it_says_what_drifted_why_and_what_to_do(story: Story) -> None:
    text = printed(story)
    lines = text.splitlines()
    assert lines[0].startswith("✗ DRIFT  13 drift groups in 11 of 13 recorded exchanges")
    assert lines[0].endswith("exit 1")
    assert "13 recorded, 12 replayed · 1 same by rule · 10 drifted · 1 failed · 1 not replayed" in lines[1]
    assert "✗ error    a3f8c21b9d04  GET /orders/{id}  response.body $.items[*].price" in lines
    assert (
        '    18.40 → "18.40"   response.body.type-changed · 6 exchanges · 18/18 recorded samples are numbers' in lines
    )
    assert "    again  retape replay shop.sqlite --only id:1 -- python -m shop.b --port '{port}'" in lines
    assert any(line.startswith("    curl   curl -sS -X GET ") for line in lines)
    assert "Intended?  Record again with this build: that is then the truth." in lines
    assert any(line.startswith("Volatile?  retape rules suggest ") and "a3f8c21b9d04" in line for line in lines)
    assert "+ 4 more (3 warning, 1 info): see --report html=FILE or --report json" in lines
    assert "Not judged  the body of exchange 25 was cut off while recording" in lines
    assert "Rules   volatile.identifier 12 · builtin.date-header 7 · volatile.timestamp 6" in lines
    assert "Stubs   7 served · 12 missed · 1 unused" in lines
    assert any("nearest recorded #11 GET /stock/1, already served" in line for line in lines)


def test_ten_groups_and_what_goes_with_them_are_about_a_screen(story: Story) -> None:
    assert len(printed(story).splitlines()) <= 60


def test_every_shown_group_can_be_reproduced(story: Story) -> None:
    lines = printed(story).splitlines()
    groups = [line for line in lines if re.match(r"[✗!i] (error|warning|info) ", line)]
    assert len(groups) == terminal.SHOWN
    assert sum(line.startswith("    again  ") for line in lines) == terminal.SHOWN
    assert sum(line.startswith("    curl   ") for line in lines) == terminal.SHOWN


def test_captured_text_does_not_act(story: Story) -> None:
    text = printed(story)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800]", text)
    assert "[bold]markup[/bold]" in text


@pytest.mark.parametrize(
    ("variables", "stream", "coloured"),
    [
        ({}, io.StringIO, False),
        ({}, Terminal, True),
        ({"NO_COLOR": "1"}, Terminal, False),
        ({"FORCE_COLOR": "1"}, io.StringIO, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, io.StringIO, False),
        ({"TERM": "dumb"}, Terminal, False),
    ],
)
def test_colour_follows_the_conventions(
    variables: dict[str, str], stream: type[io.StringIO], coloured: bool, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    text = printed(story, stream=stream())
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", text)) is coloured
    # The sign and the word are there whatever the colour: colour never carries the level alone.
    assert "✗ error" in re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_terminal_cuts_lines_to_its_width_and_never_a_command(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = printed(story, width=60).splitlines()
    assert "    again  retape replay shop.sqlite --only id:1 -- python -m shop.b --port '{port}'" in lines
    commands = (
        "    again",
        "    curl",
        "Why?",
        "Intended?",
        "Volatile?",
        "Show it",
        "     ",
        "✗ DRIFT",
        "Not judged",
        "Note",
    )
    assert all(len(line) <= 60 for line in lines if not line.startswith(commands))


def test_an_ascii_pipe_gets_ascii(story: Story) -> None:
    pipe = AsciiPipe()
    write(story.result, "terminal", story.recorded, story.replayed, stdout=pipe)
    assert "x error    a3f8c21b9d04" in pipe.text()
    assert '18.40 -> "18.40"' in pipe.text()


@pytest.mark.parametrize(
    ("result_of", "said"),
    [
        (clean, "✓ CLEAN  300 of 300 recorded exchanges answered as recorded, 41 of them by named rules.  exit 0"),
        (
            inconclusive,
            "? INCONCLUSIVE  This run does not show that nothing drifted: the target went away after 12 exchanges."
            "  exit 3",
        ),
    ],
)
def test_the_other_verdicts(result_of: object, said: str, story: Story) -> None:
    assert callable(result_of)
    text = printed(story, result_of(story.result))
    assert text.splitlines()[0] == said
    assert "Intended?" not in text


def test_a_decided_group_is_not_offered_for_decision(story: Story) -> None:
    accepted = next(group for group in story.result.groups if group.decision)
    text = printed(story, replace(story.result, groups=(accepted,)))
    assert "(accepted)" in text
    assert "Intended?" not in text


def test_levels_are_worst_first_in_the_remainder(story: Story) -> None:
    many = tuple(replace(story.result.groups[0], level=level) for level in (Level.INFO, Level.WARNING)) * 8
    assert "+ 6 more (3 warning, 3 info)" in printed(story, replace(story.result, groups=many))


def test_what_differs_below_the_line_is_not_said_to_be_as_recorded(story: Story) -> None:
    result = clean(story.result)
    ledger = replace(result.ledger, same=200, same_by_rule=66, drifted=34)
    below = replace(result, ledger=ledger, groups=story.result.groups[-2:], meta={**result.meta, "fail_on": "error"})
    first = printed(story, below).splitlines()[0]
    assert "266 of 300 recorded exchanges answered as recorded, 66 of them by named rules, 34 differ; 2 groups" in first
    assert "below the line of --fail-on error.  exit 0" in first


def test_standing_notes_are_for_the_page_and_programs(story: Story) -> None:
    said = ("The stub server opens no connections.", "expired: rule x")
    started = {"enforced": [said[0]], "command": ["python"]}
    result = replace(clean(story.result), notes=said, meta={"replayed": started})
    assert (said[0] in printed(story, result), said[1] in printed(story, result)) == (False, True)
    result = replace(result, meta={"replayed": {**started, "command": []}})
    assert said[0] in printed(story, result)


def test_the_recorded_id_shows_the_answer(story: Story) -> None:
    result = replace(story.result, meta={"replayed": {"source": "shop.sqlite"}})
    assert re.search(r"Show it    retape capture show \S+ \d+ --recorded-id", printed(story, result))
