from __future__ import annotations

import io
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from captures.errors import UsageError
from diffing.reports import FORMATS, ReportSpec, parse_spec, parse_specs, write
from tests.diffing.reports.conftest import Story


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("terminal", ReportSpec("terminal")),
        ("json", ReportSpec("json")),
        ("json=-", ReportSpec("json")),
        ("json=out/x.json", ReportSpec("json", Path("out/x.json"))),
        ("JUnit=a=b.xml", ReportSpec("junit", Path("a=b.xml"))),
        ("html", ReportSpec("html", Path("retape-report.html"))),
    ],
)
def test_a_spec_is_a_format_and_where_to(text: str, expected: ReportSpec) -> None:
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jsn", "Did you mean json?"),
        ("xunit", "Did you mean junit?"),
        ("html=-", "not a stream"),
        ("json=", 'names no file after "="'),
        ("\x1b[2Jzzz=x", "no report format"),
    ],
)
def test_a_wrong_spec_is_said_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text)
    assert said in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_to_a_file_whole(name: str, story: Story, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / f"out.{name}"
    out = io.StringIO()
    assert write(story.result, f"{name}={path}", story.recorded, story.replayed, stdout=out) == path
    assert path.read_text(encoding="utf-8").endswith("\n")
    assert "\x1b" not in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert out.getvalue() == ""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_does_without_the_captures(name: str, story: Story, tmp_path: Path) -> None:
    write(story.result, f"{name}={tmp_path / 'out'}", None, None)
    assert (tmp_path / "out").stat().st_size > 500


def test_without_a_path_it_goes_to_stdout(story: Story) -> None:
    out = io.StringIO()
    assert write(story.result, "json", story.recorded, story.replayed, stdout=out) is None
    assert json.loads(out.getvalue())["verdict"] == "drift"


def test_a_file_that_cannot_be_written_is_named(story: Story, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/out\.json cannot be written"):
        write(story.result, f"json={tmp_path / 'file' / 'out.json'}", story.recorded, story.replayed)


def test_a_pipe_is_written_to_and_not_replaced(story: Story, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    write(story.result, f"json={pipe}", None, None)
    reader.join(10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(read[0])["verdict"] == story.result.verdict


@pytest.mark.parametrize("texts", [["json=-", "junit=-"], ["json=x", "terminal", "junit=x"]])
def test_two_reports_do_not_share_a_place(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="Two reports"):
        parse_specs(texts)


@pytest.mark.slow
def test_a_report_replaces_nothing_that_is_compared(story: Story, tmp_path: Path) -> None:
    recording = story.recorded.path
    before, mode = recording.read_bytes(), recording.stat().st_mode
    (tmp_path / "link.html").symlink_to(recording)
    (tmp_path / "hard.html").hardlink_to(recording)
    way = recording.parent / ".." / recording.parent.name / recording.name
    for path in (recording, way, tmp_path / "link.html", tmp_path / "hard.html"):
        with pytest.raises(UsageError, match="which this command uses"):
            parse_specs([f"html={path}"], (recording,))
        with pytest.raises(UsageError, match="would replace a SQLite file"):
            parse_specs([f"json={path}"])
        with pytest.raises(UsageError, match="would replace a SQLite file"):
            write(story.result, f"html={path}", story.recorded, story.replayed)
    assert (recording.read_bytes(), recording.stat().st_mode) == (before, mode)


def test_a_report_replaces_no_file_that_is_yet_to_be_made(tmp_path: Path) -> None:
    for name in ("run.sqlite", "run.sqlite-wal", "run.sqlite.lock"):
        with pytest.raises(UsageError, match="which this command uses"):
            parse_specs([f"html={tmp_path / name}"], (None, tmp_path / "run.sqlite"))


def test_an_older_report_keeps_its_mode(story: Story, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write(story.result, f"json={path}", None, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)
    write(story.result, f"json={path}", None, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
