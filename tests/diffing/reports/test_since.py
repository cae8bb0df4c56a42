from __future__ import annotations

import json
from pathlib import Path

import pytest

import retape
from tests.diffing.probes.recordings import Row, write_rows


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()


def recorded(name: str, replay_of: list[int] | None = None, **body: int) -> list[int]:
    return write_rows(Path(name), [Row("GET /a", body)], 1800 if replay_of is None else 30, replay_of)


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ({"a": 2, "b": 1}, "1 as before"),
        ({"a": 2, "b": 2}, "1 new group, 1 as before"),
        ({"a": 1, "b": 2}, "1 new group, 1 gone"),
        ({"a": 1, "b": 1}, "1 gone"),
    ],
)
def test_a_run_beside_an_earlier_one(later: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    ids = recorded("a.sqlite", a=1, b=1)
    recorded("b.sqlite", ids, a=2, b=1)
    recorded("c.sqlite", ids, **later)
    assert retape.run(["diff", "a.sqlite", "b.sqlite", "--report", "json=before.json"]) == 1
    assert len(json.loads(Path("before.json").read_text())["groups"]) == 1
    retape.run(["diff", "a.sqlite", "c.sqlite", "--report", "markdown=comment.md,terminal", "--since", "before.json"])
    assert f"Since the run before: **{said}**." in Path("comment.md").read_text()
    assert capsys.readouterr().err.endswith("retape: wrote comment.md\n")


@pytest.mark.parametrize("words", [["--since", "none.json"], ["--since", "a.sqlite"], ["--report", "html=before.json"]])
def test_an_earlier_report_that_is_none_is_refused_before_anything_is_written(words: list[str]) -> None:
    recorded("a.sqlite", a=1)
    Path("before.json").write_text('{"groups": []}')
    before = [*words, *([] if "--since" in words else ["--since", "before.json"])]
    assert retape.run(["diff", "a.sqlite", "a.sqlite", *before]) == 2
    assert Path("before.json").read_text() == '{"groups": []}'
