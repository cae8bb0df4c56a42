"""What writes into a project stays in it, whatever links other people have put there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from captures.errors import UsageError
from captures.placing import put
from captures.setup.cli import _write as initialise
from captures.setup.planning import Draft
from diffing.rulebook.tomlfile import rewrite
from replayer.pinning.updating import Update
from replayer.review.pins import Draft as PinDraft
from replayer.review.pins import write as pin


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that one works in a folder of, with somebody's home beside it."""
    (tmp_path / "home" / ".git").mkdir(parents=True)
    (tmp_path / "home" / "mine").write_text("", encoding="utf-8")
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "project" / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "project" / "shop")
    return tmp_path / "project"


WRITERS: dict[str, Callable[[Path], object]] = {
    "put": lambda path: put(path, "a = 1\n"),
    "retape accept": lambda path: rewrite(path, lambda _: ("a = 1\n", {"a": 1})),
    "retape review": lambda path: pin([PinDraft(path, "a = 1\n", None)]),
    "retape pin update": lambda path: Update(path, "", "", "a = 1\n").write(),
    "retape init": lambda path: initialise((Draft(path, "a = 1\n"),)),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("link", "leads", "path"),
    [
        ("a.toml", "../../home/mine", "a.toml"),
        ("a.toml", "../../home/none", "a.toml"),
        ("tests", "../../home", "tests/mine"),
        ("../tests", "../home", "../tests/mine"),
        ("a.toml", "a.toml", "a.toml"),
    ],
    ids=["a file", "a file that is not there", "a folder", "above the working directory", "a circle"],
)
def test_a_link_out_of_the_project_is_not_followed(name: str, link: str, leads: str, path: str, project: Path) -> None:
    home = project.parent / "home"
    Path(link).symlink_to(leads)
    with pytest.raises(UsageError):
        WRITERS[name](Path(path))
    assert sorted(os.listdir(home)) == [".git", "mine"]
    assert (home / "mine").read_text(encoding="utf-8") == ""
    assert Path(link).is_symlink()


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_within_the_project_and_a_place_that_was_named_are_written(name: str, project: Path) -> None:
    shared = project / "shared.toml"
    shared.write_text("", encoding="utf-8")
    shared.chmod(0o600)
    Path("a.toml").symlink_to("../shared.toml")
    for path in (Path("a.toml"), project.parent / "home" / "mine"):
        WRITERS[name](path)
        assert path.read_text(encoding="utf-8") == "a = 1\n"
    assert Path("a.toml").is_symlink()
    assert shared.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(project)) == [".git", "shared.toml", "shop"]


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
def test_an_interrupt_leaves_what_was_there(
    owner: object, name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    put(Path("pin.yaml"), "old\n")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            put(Path("pin.yaml"), "new\n")
    assert Path("pin.yaml").read_text(encoding="utf-8") == "old\n"
    assert os.listdir(project / "shop") == ["pin.yaml"]


def test_a_link_laid_where_the_new_file_is_written_first_is_not_followed(project: Path) -> None:
    Path(f".retape-{os.getpid()}.new").symlink_to("../../home/mine")
    Path(f".a.toml.{os.getpid()}.new").symlink_to("../../home/mine")
    put(Path("a.toml"), "")
    rewrite(Path("a.toml"), lambda _: ("a = 1\n", {"a": 1}))
    assert (project.parent / "home" / "mine").read_text(encoding="utf-8") == ""
    assert os.listdir() == ["a.toml"]
