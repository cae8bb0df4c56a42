"""The history's file: rows, bounds, several writers, and what cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from diffing.history import file
from diffing.history.entry import Build
from diffing.history.file import HistoryError
from tests.diffing.history.making import entry, group

WRITER = """
import sys
from pathlib import Path
from diffing.history import file
from tests.diffing.history.making import entry
for number in range(int(sys.argv[2])):
    file.note(Path(sys.argv[1]), entry(number, run=f"{sys.argv[3]}-{number % 100}"))  # fewer runs than are kept
    print(number, flush=True)
"""


def test_what_was_noted_comes_back_oldest_first(tmp_path: Path) -> None:
    made = [entry(1, group(decision="accepted", open=False)), entry(0), entry(2, build=Build("nightly"), seconds=None)]
    for one in made:
        file.note(tmp_path, one)
    assert file.last(tmp_path, 10) == (made[1], made[0], made[2])
    assert file.last(tmp_path, 2) == (made[0], made[2])
    assert file.noted(tmp_path) == 3
    assert (tmp_path / file.NAME).stat().st_mode & 0o777 == 0o600


def test_a_run_judged_again_takes_its_own_place(tmp_path: Path) -> None:
    file.note(tmp_path, entry(1, group()))
    file.note(tmp_path, entry(1))
    assert [one.verdict for one in file.last(tmp_path, 10)] == ["clean"]


def test_only_the_last_are_kept(tmp_path: Path) -> None:
    for number in range(6):
        file.note(tmp_path, entry(number), kept=4)
    assert [one.run for one in file.last(tmp_path, 10)] == ["run2", "run3", "run4", "run5"]


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    assert file.last(tmp_path, 10) == ()
    assert file.noted(tmp_path) == 0
    (tmp_path / file.NAME).touch()  # made by a replay that was killed before its first note
    assert file.last(tmp_path, 10) == ()
    file.note(tmp_path, entry(1))
    assert file.noted(tmp_path) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a database at all, but longer than its head" * 10, "not a database"),
        (None, "newer version"),
    ],
)
def test_a_file_that_is_something_else_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / file.NAME
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    for use in (lambda: file.note(tmp_path, entry(1)), lambda: file.last(tmp_path, 5)):
        with pytest.raises(HistoryError, match=words):
            use()
    assert path.read_bytes() == before


def test_a_row_that_is_no_run_is_told(tmp_path: Path) -> None:
    file.note(tmp_path, entry(1))
    with sqlite3.connect(tmp_path / file.NAME) as connection:
        connection.execute("UPDATE run SET entry = '{\"run\": 1}'")
    connection.close()
    with pytest.raises(HistoryError, match="a run that is none"):
        file.last(tmp_path, 5)


@pytest.mark.slow
@pytest.mark.end_to_end
def test_several_at_once_and_a_killed_one_lose_nothing(tmp_path: Path) -> None:
    """The killed one is gone before the others begin: one that notes without end would keep them waiting by chance."""

    def writer(count: int, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(count), name], stdout=subprocess.PIPE)

    killed = writer(1_000_000, "killed")
    assert killed.stdout is not None
    told = [killed.stdout.readline() for _ in range(2)]
    killed.kill()
    killed.communicate(timeout=60)
    assert told == [b"0\n", b"1\n"]
    assert file.noted(tmp_path) >= 2
    others = [writer(4, name) for name in "ab"]
    assert [len(other.communicate(timeout=120)[0].splitlines()) for other in others] == [4, 4]
    names = {one.run for one in file.last(tmp_path, 1_000)}
    assert {f"{name}-{number}" for name in "ab" for number in range(4)} <= names
    with sqlite3.connect(tmp_path / file.NAME) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
