from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from diffing.model import Level, Result
from diffing.reports import terminal, write
from diffing.reports.layout import Phrase, laid_out
from tests.diffing.reports.conftest import Story
from tests.diffing.reports.hostile import hostile
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
    assert lines[0] == (
        "✗ DRIFT  13 drift groups in 11 of 13 recorded exchanges, 1 more accepted, "
        "and not everything could be judged.  exit 1"
    )
    assert lines[1] == "    13 recorded, 12 replayed · 1 same by rule · 10 drifted · 1 failed · 1 not replayed"
    assert lines[2] == "    shop.sqlite → run.sqlite · 7 errors · 5 warnings · 1 info"
    at = lines.index("✗ error    a3f8c21b9d04  GET /orders/{id}  response.body $.items[*].price")
    assert lines[at + 1] == (
        '    18.40 → "18.40"  type changed · 6 exchanges, as in 1 · 18/18 recorded samples are numbers'
    )
    assert (
        "Again      retape replay shop.sqlite --only id:1 -- python -m shop.b --port '{port}'"
        "   # of a3f8c21b9d04; the others alike, with their ids" in lines
    )
    assert any(line.startswith("By hand    curl -sS -X GET ") for line in lines)
    assert any(line.startswith("Volatile?  retape ignore ") and "a3f8c21b9d04" in line for line in lines)
    assert any(line.startswith("Meant?     retape accept ") and "a3f8c21b9d04" in line for line in lines)
    assert any(line.startswith("All of it  retape review runs/run.sqlite") for line in lines)
    assert "+ 6 more (5 warning, 1 info): --report html shows all" in lines
    assert "Not judged the body of exchange 25 was cut off while recording" in lines
    assert "Rules      volatile.identifier 12 · any-server 12 · builtin.date-header 7 · volatile.timestamp 6" in lines
    assert "Stubs      7 served · 12 missed · 1 unused" in lines
    assert any("nearest recorded #11 GET /stock/1, already served" in line for line in lines)


@pytest.mark.parametrize(("groups", "at_most"), [(1, 24), (7, 36), (14, 40), (5_000, 40)])
def test_a_red_run_is_a_screen(groups: int, at_most: int, story: Story) -> None:
    every = (story.result.groups * (groups // 14 + 1))[:groups]
    assert len(printed(story, replace(story.result, groups=every)).splitlines()) <= at_most


def test_every_shown_group_can_be_reproduced(story: Story) -> None:
    lines = printed(story).splitlines()
    groups = [at for at, line in enumerate(lines) if re.match(r"[✗!i] (error|warning|info) ", line)]
    assert len(groups) == terminal.SHOWN
    assert all(re.search(r"exchanges?, as in \d+", lines[at + 1]) for at in groups)
    assert sum(line.startswith("Again ") for line in lines) == 1


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


COMMANDS = ("Again ", "By hand ", "Show it ", "Why? ", "Volatile? ", "Meant? ", "All of it ")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("make", [lambda result: result, clean, inconclusive, hostile])
def test_no_line_is_wider_than_the_terminal_but_commands(
    make: object, width: int, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(make)
    monkeypatch.setenv("NO_COLOR", "1")
    lines = printed(story, make(story.result), width=width).splitlines()
    assert [line for line in lines if cell_len(line) > width and not line.startswith(COMMANDS)] == []
    assert all(not line.endswith(" ") for line in lines)


def test_a_command_is_whole_however_narrow_it_is(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = printed(story, width=40)
    assert "retape replay shop.sqlite --only id:1 -- python -m shop.b --port '{port}'" in text
    assert "GET /orders/{id}" in text
    assert "response.body $.items[*].price" in text


@pytest.mark.parametrize(
    ("variables", "stream", "broken"),
    [
        ({}, io.StringIO, False),
        ({"FORCE_COLOR": "1"}, io.StringIO, False),
        ({"CI": "true", "FORCE_COLOR": "1"}, io.StringIO, False),
        ({"COLUMNS": "60"}, io.StringIO, True),
        ({"COLUMNS": "60"}, Terminal, True),
        ({"COLUMNS": "x"}, io.StringIO, False),
        ({"TERM": "dumb", "COLUMNS": "60"}, Terminal, True),
    ],
)
def test_where_lines_are_broken(
    variables: dict[str, str],
    stream: type[io.StringIO],
    broken: bool,
    story: Story,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(story, stream=stream()))
    lines = [line for line in text.splitlines() if not line.startswith(COMMANDS)]
    assert (max(map(cell_len, lines)) <= 60) is broken


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            "45/45 recorded samples; in 45 of 57 replayed exchanges",
            "45 of 57 exchanges, as in 1 · 45/45 recorded samples",
        ),
        ("in 7 of 14 replayed exchanges", "7 of 14 exchanges, as in 1"),
        ("in 1,000 of 2,000 replayed exchanges; now and then", "1,000 of 2,000 exchanges, as in 1 · now and then"),
        ("6/6 recorded samples", "6 exchanges, as in 1 · 6/6 recorded samples"),
        ("", "6 exchanges, as in 1"),
    ],
)
def test_nothing_is_said_twice(evidence: str, said: str, story: Story) -> None:
    group = replace(story.result.groups[0], evidence=evidence)
    lines = printed(story, replace(story.result, groups=(group,))).splitlines()
    assert f'    18.40 → "18.40"  type changed · {said}' in lines


def test_wide_characters_take_two_cells(story: Story) -> None:
    group = replace(story.result.groups[0], location="response.body $." + "注文" * 20)
    lines = printed(story, replace(story.result, groups=(group,)), width=60).splitlines()
    assert any("注文" in line for line in lines)
    assert all(cell_len(line) <= 60 for line in lines if not line.startswith(COMMANDS))


@pytest.mark.parametrize(
    ("texts", "width", "lines"),
    [
        (["ab", "cd"], None, ["ab  cd"]),
        (["ab", "cd"], 6, ["ab  cd"]),
        (["abc", "def gh"], 9, ["abc", "  def gh"]),
        (["abc", "", "d"], 9, ["abc  d"]),
        (["one two three four"], 10, ["one two", "  three", "  four"]),
        (["x" * 30], 10, ["x" * 9 + "…"]),
        (["a", "b" * 30, "c"], 12, ["a", "  " + "b" * 9 + "…", "  c"]),
    ],
)
def test_phrases_stay_together_where_they_can(texts: list[str], width: int | None, lines: list[str]) -> None:
    out = laid_out([Phrase(text) for text in texts], width, indent=2)
    assert ["".join(text for text, _ in line) for line in out] == lines


def test_an_ascii_pipe_gets_ascii(story: Story) -> None:
    pipe = AsciiPipe()
    write(story.result, "terminal", story.recorded, story.replayed, stdout=pipe)
    assert "x error    a3f8c21b9d04" in pipe.text()
    assert '18.40 -> "18.40"' in pipe.text()
    assert pipe.text().isascii()


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
    assert "Volatile?" not in text
    assert "Again" not in text


def test_a_decided_group_is_not_offered_for_decision(story: Story) -> None:
    accepted = next(group for group in story.result.groups if group.decision)
    text = printed(story, replace(story.result, groups=(accepted,)))
    assert "(accepted)" in text
    assert "Volatile?" not in text
    assert "Again" not in text


def test_levels_are_worst_first_in_the_remainder(story: Story) -> None:
    many = tuple(replace(story.result.groups[0], level=level) for level in (Level.INFO, Level.WARNING)) * 8
    assert "+ 8 more (4 warning, 4 info)" in printed(story, replace(story.result, groups=many))


def test_what_differs_below_the_line_is_not_said_to_be_as_recorded(story: Story) -> None:
    result = clean(story.result)
    ledger = replace(result.ledger, same=200, same_by_rule=66, drifted=34)
    below = replace(result, ledger=ledger, groups=story.result.groups[-2:], meta={**result.meta, "fail_on": "error"})
    first = printed(story, below).splitlines()[0]
    assert "266 of 300 recorded exchanges answered as recorded, 66 of them by named rules, " in first
    assert "34 differ; 2 drift groups below the line of --fail-on error." in first
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


def test_the_exchange_that_is_named_is_the_one_whose_values_are_shown(story: Story) -> None:
    """Of one change at several endpoints the first exchange may be another endpoint's than the example."""
    group = story.result.groups[0]
    last = group.exchanges[-1]
    assert last != group.exchanges[0]
    moved = replace(group, examples=(replace(group.examples[0], exchange=last),))
    meta = {"replayed": {"source": "shop.sqlite"}}
    text = printed(story, replace(story.result, groups=(moved,), meta=meta))
    assert f"as in {last} ·" in text
    assert re.search(rf"Show it    retape capture show \S+ {last} --recorded-id", text)


def test_a_place_as_deep_as_a_body_may_go_is_no_screen_of_its_own(story: Story) -> None:
    group = replace(story.result.groups[0], location="response.body $" + "[*]" * 3000)
    text = printed(story, replace(story.result, groups=(group,)))
    assert max(map(len, text.splitlines())) < 700
    assert "… (9,015 characters)" in text
