"""The state folder and the redaction key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from captures.errors import UsageError
from captures.state import KEY_VARIABLE, STATE_VARIABLE, redaction_key, run_path, state_dir


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(STATE_VARIABLE, raising=False)


def test_it_stands_at_the_projects_root_and_ignores_itself(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "deep" / "er"
    below.mkdir(parents=True)
    folder = state_dir(below)
    assert folder == tmp_path / ".retape"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"


def test_the_variable_moves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "elsewhere"))
    assert state_dir(tmp_path) == tmp_path / "elsewhere"
    assert run_path("x").parent == tmp_path / "elsewhere" / "runs"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(UsageError, match="cannot be made"):
        state_dir()


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    first = redaction_key(start=tmp_path)
    assert redaction_key(start=tmp_path) == first
    assert len(first) == 64
    assert stat.S_IMODE((state_dir(tmp_path) / "redaction.key").stat().st_mode) == 0o600


def test_the_variable_outranks_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert redaction_key("configured-configured", start=tmp_path) == b"configured-configured"
    monkeypatch.setenv(KEY_VARIABLE, "environment-environment")
    assert redaction_key("configured-configured", start=tmp_path) == b"environment-environment"


def test_short_or_damaged_keys_are_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        redaction_key("s3cret", start=tmp_path)
    assert "s3cret" not in caught.value.message + caught.value.hint
    (state_dir(tmp_path) / "redaction.key").write_text("")
    with pytest.raises(UsageError, match="damaged"):
        redaction_key(start=tmp_path)
