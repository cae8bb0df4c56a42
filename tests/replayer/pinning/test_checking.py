"""``retape pin check``: what is wrong with pins, told from the files; with a build, stubs that it does not call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captures.errors import UsageError
from replayer.pin_cli import pin
from replayer.pin_file import dump
from replayer.pin_make import Made, make_pins
from replayer.pinning.secrets import exchange_of
from replayer.pins import Body, PinRequest, PinResponse
from tests.replayer.tapes import SHOP, order_tape

GOOD = """\
pin: 1
request:
  line: GET /orders
  headers:
    authorization: ${RETAPE_AUTHORIZATION:-}
expect:
  status: 200
  json:
    id: «uuid»
"""
KEY = "AKIA" + "Q7RT2WXYZ4KLMN5P"
STEP = "setup:\n- request: {line: GET /login}\n  status: 200\n  bind: {token: json $.token}\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(pin, ["check", *words], standalone_mode=False)


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tests" / "pins"
    folder.mkdir(parents=True)
    (folder / "good.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "README.md").write_text("no YAML\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "kind", "line", "says"),
    [
        (GOOD.replace("status", "sttus"), "invalid", 7, "unknown key 'sttus' in expect. Did you mean \"status\"?"),
        (GOOD.replace("pin: 1", "pin: 0"), "invalid", 1, "pin format 0 is not one this Retape reads (1)"),
        (GOOD.replace("pin: 1\n", ""), "no-pin", 1, "it reads like a pin"),
        ("services: {}\n", "no-pin", 1, "this YAML file is no pin"),
        (GOOD[: GOOD.index("expect")], "new", 1, "it expects nothing yet"),
        ("# mine\n" + GOOD, "duplicate", 3, "as tests/pins/good.yaml"),
        (GOOD + f"    key: {KEY}\n", "secret", 6, "1 value that redaction would replace at response.body $.key"),
        (GOOD.replace(":-}", ":-Bearer s3cr3t-v4lue}"), "secret", 2, "at request.header authorization"),
        (GOOD.replace("request:", STEP + "request:"), "unused-name", 3, "setup step 1 binds token"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_next_step(
    pins: Path, text: str, kind: str, line: int, says: str
) -> None:
    name = "zz.yaml" if kind == "duplicate" else "bad.yaml"
    (pins / name).write_text(text.replace("/orders", "/others") if kind != "duplicate" else text, encoding="utf-8")
    done = run()
    assert done.return_value == 1, done.output
    (said, *_) = done.stdout.splitlines()
    assert said.startswith(f"tests/pins/{name}:{line}: {kind}: ")
    assert says in said
    (found,) = json.loads(run("--format", "json").stdout)["found"]
    assert (found["kind"], found["file"], found["line"]) == (kind, f"tests/pins/{name}", line)
    assert found["next"]
    assert KEY not in done.output
    assert "s3cr3t" not in done.output


def test_pins_as_they_are_made_are_in_order(pins: Path) -> None:
    """Their pseudonyms are noted, so nobody needs the recorder's key to tell them from secrets."""
    for made in make_pins(order_tape(pins.parent / "shop.sqlite"), None):
        assert isinstance(made, Made)
        (pins / made.file.replace("/", "-")).write_text(dump(made.pin), encoding="utf-8")
    done = run("tests/pins")
    assert (done.return_value, done.stdout) == (0, ""), done.output
    assert "3 pins, 0 findings" in done.stderr
    assert isinstance(run("nowhere").exception, UsageError)


@pytest.mark.slow
def test_stubs_that_the_build_does_not_call(pins: Path) -> None:
    (made, *_) = make_pins(order_tape(pins.parent / "shop.sqlite"), None)
    assert isinstance(made, Made)
    text = dump(made.pin)
    extra = "  - dependency: audit\n    request: {line: POST http://audit.test/log}\n    response: {status: 204}\n"
    (pins / "order.yaml").write_text(text.replace("stubs:\n", "stubs:\n" + extra, 1), encoding="utf-8")
    assert run("tests/pins/order.yaml").return_value == 0
    done = run("tests/pins/order.yaml", "--", *SHOP)
    assert done.return_value == 1, done.output
    assert "unused-stub: the build does not call POST of audit (stub 1)" in done.stdout
    assert len([line for line in done.stdout.splitlines() if ": unused-stub: " in line]) == 1


def test_a_text_that_is_a_matcher_as_a_whole_says_nothing_literally() -> None:
    expected = PinResponse(200, (("Content-Type", "text/plain"),), Body("text", "«any»"))
    made = exchange_of(PinRequest("GET", "/x"), expected).response
    assert made is not None
    assert made.body == b""
