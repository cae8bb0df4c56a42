"""Which files configure a command that runs in some folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.config import load
from captures.errors import ConfigError
from captures.state import project_root

HERE = "services/orders"
CASES: list[tuple[str, dict[str, str], str, str]] = [
    ("the nearest one", {"retape.toml": "[record]\nlabel='far'", f"{HERE}/retape.toml": "[record]\nlabel='near'"},
     "near", HERE),
    ("past a project that does not speak of Retape",
     {".git/HEAD": "", "retape.toml": "[record]\nlabel='far'", f"{HERE}/pyproject.toml": "[project]\nname='x'"},
     "far", ""),
    ("a pyproject.toml that does",
     {"retape.toml": "[record]\nlabel='far'", f"{HERE}/pyproject.toml": "[tool.retape.record]\nlabel='near'"},
     "near", HERE),
    ("not past the repository's root", {"retape.toml": "[record]\nlabel='far'", "services/.git/HEAD": ""},
     "", "services"),
    ("at the repository's root", {".git/HEAD": "", "retape.toml": "[record]\nlabel='far'"}, "far", ""),
    ("an empty file does not contradict",
     {"retape.toml": "# nothing\n", "pyproject.toml": "[tool.retape.record]\nlabel='p'"},
     "p", ""),
    ("a broken pyproject.toml of other tools", {"retape.toml": "[record]\nlabel='far'", "pyproject.toml": "[[["},
     "far", ""),
    ("rules alone are a configuration",
     {".git/HEAD": "", "services/retape.rules.toml": "", "retape.toml": "[record]\nlabel='far'"},
     "", "services"),
]  # fmt: skip


def tree(root: Path, files: dict[str, str]) -> Path:
    """``files`` below ``root``; the folder where the command runs."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    here = root / HERE
    here.mkdir(parents=True, exist_ok=True)
    return here


@pytest.mark.parametrize(("files", "label", "root"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_found(tmp_path: Path, files: dict[str, str], label: str, root: str) -> None:
    here = tree(tmp_path, files)
    assert (load(here).value("record", "label") or "") == label
    assert project_root(here) == (tmp_path / root).resolve()


def test_two_that_say_something_are_refused(tmp_path: Path) -> None:
    here = tree(tmp_path, {"retape.toml": "[record]\ndrain=1", "pyproject.toml": "[tool.retape.record]\ndrain=2"})
    with pytest.raises(ConfigError, match=r"Both retape.toml and \[tool.retape\]") as caught:
        load(here)
    assert "Keep one" in caught.value.hint


@pytest.mark.parametrize("text", ["[tool.retape]\n[[[", "[tool]\nretape = 3\n"])
def test_a_broken_file_that_speaks_of_retape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        load(tree(tmp_path, {"pyproject.toml": text}))


def test_a_named_pyproject_is_read_for_its_table(tmp_path: Path) -> None:
    here = tree(tmp_path, {"pyproject.toml": "[project]\nname='x'\n[tool.retape.record]\nlabel='p'"})
    assert load(here, explicit=tmp_path / "pyproject.toml").value("record", "label") == "p"


def test_relative_paths_start_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tree(tmp_path, {"retape.toml": '[record]\nupstream_ca = "ca/roots.pem"'})
    monkeypatch.chdir(here)
    assert load().value("record", "upstream_ca") == tmp_path / "ca" / "roots.pem"


def test_a_fault_is_said_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tree(tmp_path, {"pyproject.toml": "[project]\nname='x'\n[tool.retape.record]\n\ndrain = 'soon'\n"})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load(here)
    assert caught.value.message.startswith('pyproject.toml:5 [record]: drain = "soon" must be a time')
