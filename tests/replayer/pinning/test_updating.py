"""``retape pin update``, on a build whose answers move by themselves and on the next one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from captures.errors import EmptyCapture, RetapeError, UsageError
from replayer import pin_yaml
from replayer.pin_cli import pin

BUILD = [sys.executable, str(Path(__file__).with_name("shifty.py")), "{port}"]
NEXT = [*BUILD, "next"]
FIXED = """\
# The price list of spring.
pin: 1
name: a shirt that is gone
request:
  line: GET /notes/17
expect:
  status: 404   # not 410: old clients
  json: {error: no such note}
"""
NOTE = """\
pin: 1
name: a note
request:
  line: POST /notes
  headers:
    content-type: application/json
  json: {text: hello}
expect:
  status: 201
  json:
    id: «uuid as note»
    text: hello     # as sent
    number: «integer»
"""
NEW = "pin: 1\nrequest: {line: GET /shirt}\n"
LIST = NOTE.replace("a note", "all notes").replace("POST /notes", "GET /notes")
LIST = LIST[: LIST.index("  headers")] + "expect:\n  status: 200\n  json: {count: 0, notes: []}\n"


def run(*words: str) -> Result:
    return CliRunner().invoke(pin, ["update", *words], standalone_mode=False)


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pins of a project, by name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    folder = tmp_path / "tests" / "pins"
    folder.mkdir(parents=True)
    for name, text in (("fixed", FIXED), ("note", NOTE), ("new", NEW), ("all", LIST)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "other.yaml").write_text("a: 1\n", encoding="utf-8")
    return folder


@pytest.mark.slow
def test_the_next_build(pins: Path) -> None:
    """What drifted is written, all else stays to the letter; a new pin says what varies by itself, and holds again."""
    dry = run("--only", "all", "--dry-run", "--", *NEXT)
    assert (dry.exit_code, dry.return_value) == (0, 1), dry.output
    assert (pins / "note.yaml").read_text(encoding="utf-8") == NOTE
    assert "-  status: 404   # not 410: old clients\n+  status: 410   # not 410: old clients\n" in dry.stdout

    done = run("tests/pins", "--only", "all", "--yes", "--", *NEXT)
    assert done.return_value == 0, done.output
    assert (pins / "fixed.yaml").read_text(encoding="utf-8") == FIXED.replace("404", "410")
    note = NOTE.replace("    text: hello     # as sent\n", "").replace("«integer»\n", "«integer»\n    body: hello\n")
    assert (pins / "note.yaml").read_text(encoding="utf-8") == note
    assert (pins / "all.yaml").read_text(encoding="utf-8") == LIST  # it holds on a fresh build
    new = pin_yaml.read((pins / "new.yaml").read_text(encoding="utf-8"), "new.yaml").plain()
    assert new["expect"]["json"] | {"sizes": 0} == {
        "sku": "A-1", "price": pin_yaml.read("a: 13.5", "").plain()["a"], "served": "«integer»", "level": "«integer»",
        "mood": "«token»", "load": {"factor": "«number»", "workers": 4}, "sizes": 0, "colours": ["red", "blue"],
    } | ({"promotion": "summer"} if "promotion" in new["expect"]["json"] else {})  # fmt: skip
    assert new["expect"]["varies"] == {"$.sizes": "unordered", "$.promotion": "optional"}

    again = run("tests/pins", "--only", "all", "--yes", "--", *NEXT)
    assert (again.return_value, again.stdout) == (0, ""), again.output
    held = run("tests/pins/new.yaml", "--dry-run", "--", *BUILD)
    assert held.return_value == 1
    assert "-    price: 13.5\n+    price: 12.5\n" in held.stdout
    assert len([line for line in held.stdout.splitlines() if line.startswith(("+ ", "- "))]) == 2


@pytest.mark.slow
def test_nothing_is_written_of_what_failed_nor_without_being_asked(pins: Path) -> None:
    (pins / "late.yaml").write_text(FIXED.replace("request:", STEP + "request:"), encoding="utf-8")
    before = {path: path.read_bytes() for path in pins.iterdir()}
    done = run("tests/pins/fixed.yaml", "tests/pins/late.yaml", "--", *NEXT)
    assert isinstance(done.exception, UsageError)
    assert "Nobody is there to ask" in str(done.exception)
    done = run("tests/pins/late.yaml", "--yes", "--", *BUILD)
    assert done.return_value == 3
    assert "late.yaml is left alone: setup step 1 (GET /shirt) was answered 200, not 302" in done.stderr
    assert {path: path.read_bytes() for path in pins.iterdir()} == before


STEP = "setup:\n- request: {line: GET /shirt}\n  status: 302\n"


@pytest.mark.parametrize(
    ("words", "ci", "error", "says"),
    [
        (("--yes", "--", "true"), "true", UsageError, "CI is set, and nothing is written there."),
        (("--yes",), "", UsageError, "Say which build"),
        (("--target", "http://127.0.0.1:1", "--", "true"), "", UsageError, "Say which build"),
        (("none.yaml", "--yes", "--", "true"), "", UsageError, "none.yaml does not exist"),
        (("tests", "--only", "new", "--", "no-such-command"), "", UsageError, "There is no command"),
        (("empty", "--", "true"), "", EmptyCapture, "There is no pin in empty."),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    pins: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], ci: str, error: type[RetapeError], says: str
) -> None:
    Path("empty").mkdir()
    monkeypatch.setenv("CI", ci)
    done = run(*words)
    assert isinstance(done.exception, error), done.output
    assert says in str(done.exception)
    assert (pins / "new.yaml").read_text(encoding="utf-8") == NEW
