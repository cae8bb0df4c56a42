"""What the trend looks like in a terminal, a pipe, and where there is no UTF-8 or no colour."""

from __future__ import annotations

import io

import pytest

from diffing.history.entry import Build
from diffing.history.trend import trend_of
from diffing.reports.trends import terminal
from tests.diffing.history.making import entry, group

SAME = Build(git="a" * 40, started="5e7")
TREND = trend_of(
    [
        entry(0, build=SAME),
        entry(1, group("bbbbbbbbbbbb", "POST /orders", level="error"), build=SAME),
        entry(2, group("bbbbbbbbbbbb", "POST /orders", level="error"), tier="smoke"),
    ]
)


def test_rows_measures_and_what_needs_somebody() -> None:
    text = terminal.plain(TREND)
    lines = text.splitlines()
    assert lines[0] == "3 runs, 2026-05-28 20:26 to 2026-05-28 22:26 UTC."
    assert lines[2].split() == "When (UTC) Build Tier Verdict Drift Flaky Replayed Endpoints Time".split()
    assert [line.split()[3:6] for line in lines[3:6]] == [
        ["full", "✓", "Clean"], ["full", "✗", "Drift"], ["smoke", "✗", "Drift"],
    ]  # fmt: skip
    assert "Drift     ▁██  now 1 open group; 0 to 1" in lines
    assert "Time      ███  last 10.0 s" in lines
    assert any(line.startswith("  POST /orders  ▁██  drifted in 2 of 3 runs, 1 group flaky") for line in lines)
    assert "✗ error   bbbbbbbbbbbb  POST /orders  response.body $.total  response.body.value-changed" in lines
    assert any("comes and goes between runs of one build" in line for line in lines)
    assert "Shop" not in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_without_utf_8(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    terminal.write(TREND, stream, width=100)
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "Drift     099" in text
    assert "ok Clean" in text


def test_colour_carries_nothing_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured, stripped = io.StringIO(), io.StringIO()
    terminal.write(TREND, coloured, width=200)
    assert "\x1b[" in coloured.getvalue()
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.write(TREND, stripped, width=200)
    assert "\x1b[3" not in stripped.getvalue()


def test_a_narrow_terminal_cuts_lines_and_never_commands() -> None:
    stream = io.StringIO()
    terminal.write(TREND, stream, width=60)
    lines = stream.getvalue().splitlines()
    commands = [line for line in lines if "retape " in line]
    assert all(len(line) <= 60 for line in lines if line not in commands)
    assert commands[0].endswith("retape learn CAPTURE --runs 5 -- CMD")


def test_hostile_text_is_shown_and_does_nothing() -> None:
    bad = entry(0, group(endpoint="GET /\x1b[2J\u202e", location="[red]x"), capture_name="a\nb.sqlite")
    text = terminal.plain(trend_of([bad]))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J" in text
    assert "[red]x" in text


def test_no_history_says_what_to_do() -> None:
    assert terminal.plain(trend_of([])) == "No run is in the history yet.  Make one: retape replay CAPTURE -- CMD\n"
