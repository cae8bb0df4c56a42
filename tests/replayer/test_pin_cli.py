"""``retape pin``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captures.errors import EmptyCapture, NotACapture, RetapeError, UsageError
from replayer.pin_cli import pin
from tests.replayer.tapes import order_tape


def run(*arguments: str) -> Result:
    return CliRunner().invoke(pin, list(arguments), standalone_mode=False)


@pytest.fixture
def tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return order_tape(tmp_path / "shop.sqlite")


def test_writes_files_and_prints_their_names(tape: Path) -> None:
    result = run(str(tape), "-o", "pins")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == ["pins/POST-orders/201-1.yaml", "pins/GET-orders-id/200-5.yaml"]
    assert Path("pins/GET-orders-id/200-5.yaml").read_text(encoding="utf-8").startswith("pin: 1\n")
    assert "2 pinned" in result.stderr


def test_only_chooses(tape: Path) -> None:
    assert run(str(tape), "-o", "pins", "--only", "method:GET").stdout.split() == ["pins/GET-orders-id/200-5.yaml"]


def test_an_edited_pin_is_not_overwritten_unless_forced(tape: Path) -> None:
    run(str(tape), "-o", "pins")
    assert run(str(tape), "-o", "pins").exit_code == 0  # nothing would change
    edited = Path("pins/GET-orders-id/200-5.yaml")
    before = edited.read_text(encoding="utf-8")
    edited.write_text(before + "# mine\n", encoding="utf-8")
    other = Path("pins/POST-orders/201-1.yaml")
    other.unlink()
    result = run(str(tape), "-o", "pins")
    assert isinstance(result.exception, UsageError)
    assert "200-5.yaml is there already" in str(result.exception)
    assert not other.exists()  # all or nothing
    assert run(str(tape), "-o", "pins", "--force").exit_code == 0
    assert edited.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["shop.sqlite", "--only", "status:599"], EmptyCapture, "No inbound exchange of shop.sqlite matches"),
        (["note.txt"], NotACapture, "is not a Retape capture"),
        (["shop.sqlite", "--only", "methd:GET"], UsageError, "methd"),
        (["shop.sqlite", "-o", "note.txt/pins"], UsageError, "cannot be written"),
    ],
)
def test_what_goes_wrong_is_one_sentence(tape: Path, arguments: list[str], error: type[RetapeError], says: str) -> None:
    Path("note.txt").write_text("x" * 200, encoding="utf-8")
    result = run(*arguments)
    assert isinstance(result.exception, error)
    assert says in str(result.exception)


def test_covering_says_what_it_leaves_out(tape: Path) -> None:
    again = order_tape(Path("again.sqlite"))
    result = run(str(again), "-o", "pins", "--covering", "--limit", "1")
    assert result.stdout.split() == ["pins/POST-orders/201-1.yaml"]
    assert "left out: 1 x GET /orders/{id} 200: no room for what they show (--limit)." in result.stderr
    assert "made_by: retape " in Path("pins/POST-orders/201-1.yaml").read_text(encoding="utf-8")
    assert isinstance(run(str(again), "--limit", "1").exception, UsageError)


def test_another_version_of_retape_changes_nothing(tape: Path) -> None:
    run(str(tape), "-o", "pins")
    path = Path("pins/GET-orders-id/200-5.yaml")
    older = re.sub("made_by: .*", "made_by: retape 0.0.1", path.read_text(encoding="utf-8"))
    path.write_text(older, encoding="utf-8")
    assert run(str(tape), "-o", "pins").exit_code == 0
    assert path.read_text(encoding="utf-8") == older
