"""The rules file under all that happens to a file: others who write, Ctrl-C, protection, marks, line endings."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from captures.errors import ConfigError
from diffing.model import Approval, Decision
from diffing.review.approvalsfile import undecided, with_approvals
from diffing.rulebook import tomlfile
from diffing.rulebook.tomlfile import rewrite
from tests.diffing.review.test_approvalsfile import FILE, A, B

MINE = Approval(B, Decision.ACCEPTED, reason="it is so", author="dana", created=date(2026, 11, 30))


def decide(path: Path) -> None:
    rewrite(path, lambda before: with_approvals(before, [MINE], path))


@pytest.mark.parametrize(
    "text",
    [FILE, FILE.replace("\n", "\r\n"), "\ufeff" + FILE, "# only this", "\ufeff# a\r\n"],
    ids=["lf", "crlf", "mark", "no end", "mark and crlf"],
)
def test_every_byte_that_was_there_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_bytes(text.encode())
    decide(path)
    after = path.read_bytes().decode()
    assert after.startswith(text)
    assert (after.count("\r\n") == after.count("\n")) is ("\r\n" in text)
    rewrite(path, lambda before: undecided(before, [B], path)[:2])
    assert path.read_bytes().decode().rstrip() == text.rstrip()


def test_a_protected_file_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text(FILE)
    path.chmod(0o444)
    with pytest.raises(ConfigError, match="is write-protected"):
        decide(path)
    assert path.read_text() == FILE
    assert os.listdir(tmp_path) == [path.name]


def test_what_someone_saves_in_between_is_read_again(tmp_path: Path) -> None:
    """An editor knows no lock: it saves after the file was read and before it is replaced."""
    path = tmp_path / "retape.rules.toml"
    path.write_text(FILE)
    saved = iter([f"{FILE}# saved\n"])

    def change(before: str) -> tuple[str, Mapping[str, Any]]:
        after = with_approvals(before, [MINE], path)
        for text in saved:
            path.write_text(text)
        return after

    rewrite(path, change)
    assert "# saved" in path.read_text()
    assert B in path.read_text()


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    """It would be committed with the rest."""
    path = tmp_path / "retape[1].toml"
    path.write_text(FILE)
    (tmp_path / ".retape[1].toml.4711.new").write_text("[[appr")
    (tmp_path / ".other.toml.4711.new").write_text("")
    decide(path)
    assert sorted(os.listdir(tmp_path)) == [".other.toml.4711.new", path.name]


@pytest.mark.slow
def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    """However far it came: the file is the old one, or the new one."""
    path = tmp_path / "retape.rules.toml"
    path.write_text(FILE)
    code = (
        "import sys\nfrom pathlib import Path\nfrom diffing.rulebook.tomlfile import rewrite\nprint(flush=True)\n"
        "for number in range(10**9):\n"
        "    text = f'at = {number}\\n' + '# x\\n' * 20_000\n"
        "    rewrite(Path(sys.argv[1]), lambda _: (text, {'at': number}))\n"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            before = path.read_bytes()
            limit = time.monotonic() + 60
            while path.read_bytes() == before and time.monotonic() < limit:
                time.sleep(0.005)
            writer.kill()
        text = path.read_text()
        assert text == f"at = {tomllib.loads(text)['at']}\n" + "# x\n" * 20_000


def test_a_file_that_never_rests_is_given_up_and_left(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text("")

    def change(before: str) -> tuple[str, Mapping[str, Any]]:
        path.write_text(f"{before}#\n")
        return with_approvals(before, [MINE], path)

    with pytest.raises(ConfigError, match="is being changed by someone else"):
        rewrite(path, change)
    assert path.read_text() == "#\n" * tomlfile.TRIES


@pytest.mark.parametrize("text", ["[[approvals]]\nfingerprint = \n", "x = '''", "[[approvals]]\nfingerprint = 3\n"])
def test_a_broken_file_is_left(text: str, tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        decide(path)
    assert path.read_text() == text


@pytest.mark.parametrize(("owner", "name"), [(Path, "open"), (os, "fsync"), (Path, "replace")])
def test_an_interrupt_leaves_the_old_file(
    owner: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text(FILE)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            decide(path)
    assert path.read_text() == FILE
    assert os.listdir(tmp_path) == [path.name]
    decide(path)
    assert B in path.read_text()


@pytest.mark.slow
def test_of_two_people_at_once_neither_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text(FILE)
    code = (
        "import sys\nfrom pathlib import Path\nfrom diffing.model import Approval, Decision\n"
        "from diffing.review.approvalsfile import with_approvals\nfrom diffing.rulebook.tomlfile import rewrite\n"
        "path = Path(sys.argv[1])\n"
        "for number in range(25):\n"
        "    one = Approval(f'{sys.argv[2]}{number:011x}', Decision.ACCEPTED)\n"
        "    rewrite(path, lambda before: with_approvals(before, [one], path))\n"
    )
    people = [subprocess.Popen([sys.executable, "-c", code, str(path), digit]) for digit in "ef"]
    assert [person.wait(timeout=120) for person in people] == [0, 0]
    names = [entry["fingerprint"] for entry in tomllib.loads(path.read_text())["approvals"]]
    assert len(names) == len(set(names)) == 51
    assert names[0] == A
    assert path.read_text().startswith(FILE)
