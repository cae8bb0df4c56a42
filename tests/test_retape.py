"""The front door: exit codes, one sentence per error, nothing on stdout but data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import retape
from captures import errors
from tests.corpus import each
from tests.replayer.tapes import order_tape

CODES = [
    (errors.UsageError("x"), 2),
    (errors.ConfigError("x"), 2),
    (errors.CaptureError("x"), 2),
    (errors.NotACapture("x"), 2),
    (errors.CorruptCapture("x"), 2),
    (errors.NewerCapture("x"), 2),
    (errors.EmptyCapture("x"), 5),
    (errors.TargetError("x"), 3),
    (click.UsageError("x"), 2),
    (KeyboardInterrupt(), 130),
    (click.Abort(), 130),
    (RuntimeError("x"), 4),
]


@each(("error", "code"), CODES, ids=[type(error).__name__ for error, _ in CODES])
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert retape.exit_code_of(error) == code


def every_error(base: type[errors.RetapeError]) -> list[type[errors.RetapeError]]:
    return [base, *(found for child in base.__subclasses__() for found in every_error(child))]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for error in every_error(errors.RetapeError):
        if error.__module__ == errors.__name__:
            assert error.__name__ in errors.__doc__


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "retape", *arguments], capture_output=True, text=True, timeout=60)


def test_help_shows_examples_and_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("record", "replay", "diff", "rules", "pin", "capture", "stub"):
        assert f"\n  {name}" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["record", "replay", "diff", "rules", "pin", "capture", "stub"])
def test_every_command_has_an_example(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert f"retape {name}" in done.stdout.partition("Options:")[0].partition("\n\n")[2]


@pytest.mark.slow
def test_a_missing_capture_is_one_sentence_and_a_hint(tmp_path: Path) -> None:
    done = run("capture", "ls", str(tmp_path / "nothing.sqlite"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "does not exist" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("recrod").returncode == 2


def test_an_internal_error_says_whose_fault_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(retape.cli, "main", broken)
    assert retape.run([]) == 4
    assert "bug in Retape, not in your build" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["terminal", "json"])
@pytest.mark.slow
def test_the_verdict_stays_when_the_reader_of_the_report_left(tmp_path: Path, form: str) -> None:
    order_tape(tmp_path / "c.sqlite")
    command = [sys.executable, "-m", "retape", "diff", str(tmp_path / "c.sqlite"), str(tmp_path / "c.sqlite")]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*command, "--report", form], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_reader_of_a_pipe_may_leave() -> None:
    done = subprocess.run(
        f"{sys.executable} -m retape rules classes | head -n 1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
