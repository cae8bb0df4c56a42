"""``retape pin``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captures.errors import EmptyCapture, NotACapture, RetapeError, UsageError
from replayer.pin_cli import pin
from tests.replayer.tapes import Tape, order_tape, request, response


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


@pytest.mark.slow
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


def login_tape(path: Path) -> Path:
    old, new = ({"user": name, "password": f"{name} {name} 12345"} for name in ("ada", "bob"))
    with Tape(path) as tape:
        tape.inbound(request("POST", "/login", old), response(200, {"ok": True}))
        tape.inbound(request("POST", "/accounts", new), response(201, {"name": "bob"}))
        tape.inbound(request("POST", "/login", new), response(200, {"ok": True}))
        tape.inbound(request("POST", "/login", {**old, "password": "wrong one 4711"}), response(401, {"ok": False}))
        tape.inbound(request("POST", "/session", {**old, "remember": True}), response(204))
    return path


def test_log_ins_that_no_build_knows_are_said(tape: Path) -> None:
    done = run(str(login_tape(Path("accounts.sqlite"))), "-o", "pins")
    (said,) = [line for line in done.stderr.splitlines() if "pseudonym" in line]
    assert "2 pins (pins/POST-login/200-1.yaml, …) log in with a pseudonym for a password (POST /login)" in said
    assert '[redact] keep = ["password"]' in said
    checked = run("check", "pins", "--format", "json")
    found = {(one["kind"], one["file"], one["line"]) for one in json.loads(checked.stdout)["found"]}
    assert found == {("login", "pins/POST-login/200-1.yaml", 12), ("login", "pins/POST-session/204-5.yaml", 12)}
    assert "12345" not in done.output + checked.output


def test_a_password_that_was_kept_is_known(tape: Path) -> None:
    Path("retape.toml").write_text('[redact]\nkeep = ["password"]\n')
    done = run(str(login_tape(Path("accounts.sqlite"))), "-o", "pins")
    assert "pseudonym" not in done.stderr
    assert run("check", "pins").return_value == 0


def test_another_version_of_retape_changes_nothing(tape: Path) -> None:
    run(str(tape), "-o", "pins")
    path = Path("pins/GET-orders-id/200-5.yaml")
    older = re.sub("made_by: .*", "made_by: retape 0.0.1", path.read_text(encoding="utf-8"))
    path.write_text(older, encoding="utf-8")
    assert run(str(tape), "-o", "pins").exit_code == 0
    assert path.read_text(encoding="utf-8") == older
