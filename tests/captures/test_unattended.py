from __future__ import annotations

from pathlib import Path

import pytest

import retape
from captures.errors import UsageError
from captures.unattended import refuse_in_ci


@pytest.mark.parametrize(("value", "refused"), [(None, False), ("", False), ("true", True), ("1", True)])
def test_in_ci_it_is_refused_with_what_to_type(
    value: str | None, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("CI", value)
    if not refused:
        refuse_in_ci("x", "retape x")
        return
    with pytest.raises(UsageError) as caught:
        refuse_in_ci("retape x writes nothing", "retape x --y")
    assert caught.value.message == "CI is set: retape x writes nothing there."
    assert caught.value.hint.endswith(": retape x --y")


@pytest.mark.parametrize(
    "words",
    [
        ["init"],
        ["init", "--ci", "gitlab", "--force"],
        ["rules", "suggest", "run.sqlite", "--write"],
        ["learn", "shop.sqlite", "--write"],
        ["accept", "run.sqlite", "a3f8c21b9d04"],
        ["ignore", "run.sqlite", "a3f8c21b9d04"],
        ["reject", "run.sqlite", "--all"],
        ["review", "run.sqlite"],
    ],
)
def test_what_writes_into_the_repository_does_not_in_ci(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("CI", "true")
    assert retape.run(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith("retape: CI is set: ")
    assert f"retape {words[0]}" in said.err.partition("hint: ")[2]
    assert [path.name for path in tmp_path.iterdir()] == [".git"]
