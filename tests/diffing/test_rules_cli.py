"""``retape rules check``, ``explain`` and ``suggest`` as people type them."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import retape
from captures.errors import UsageError
from captures.visible import visible
from captures.writer import CaptureWriter
from diffing.rulebook.cli import rules
from tests.diffing.probes.recordings import Row, write_rows
from tests.diffing.repeats import Call, Said, write
from tests.diffing.shop import DRIFTS, play

RULES = """
[[rules]]
id = "total"
endpoint = "POST /orders"
location = "$.total"
tolerance = "1%"

[[rules]]
id = "prices"
location = "$.items[*].price"
expect = "number"

[[rules]]
id = "elsewhere"
endpoint = "GET /carts/{id}"
location = "$.created_at"
expect = "timestamp"

[[rules]]
id = "late"
location = "$.created_at"
expect = "timestamp"
expires = 2020-01-01

[[rules]]
id = "links"
location = "$.links"
expect = "type"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captures")
    tape = play(1, folder / "shop.sqlite")
    play(2, folder / "run.sqlite", DRIFTS, tape)
    return folder


@pytest.fixture(autouse=True)
def _here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    for name in ("shop.sqlite", "run.sqlite"):
        shutil.copy(made / name, tmp_path / name)


def invoke(*arguments: str) -> tuple[int, str, str]:
    outcome = CliRunner().invoke(rules, arguments, standalone_mode=False)
    if outcome.exception:
        raise outcome.exception
    return outcome.return_value or 0, outcome.stdout, outcome.stderr


def explained(path: str, exchange: str = "6") -> str:
    return invoke("explain", "run.sqlite", exchange, *path.split(), "--recorded", "shop.sqlite")[1]


@pytest.mark.slow
def test_check_says_what_a_recording_and_a_run_show(tmp_path: Path) -> None:
    (tmp_path / "retape.rules.toml").write_text(RULES)
    code, out, _ = invoke("check", "shop.sqlite", "run.sqlite")
    assert code == 0
    kinds = [line.split()[:3] for line in out.splitlines()[1:]]
    assert [(kind, name.strip('"')) for kind, _, name in kinds] == [
        ("expired", "late"),
        ("unused", "prices"),
        ("no-endpoint", "elsewhere"),
        ("wide", "links"),
    ]
    assert invoke("check", "shop.sqlite", "run.sqlite", "--strict")[0] == 1
    report = json.loads(invoke("check", "shop.sqlite", "run.sqlite", "--format", "json")[1])
    assert report["used"] == {"total": 12, "prices": 0, "elsewhere": 0, "late": 0, "links": 29}
    assert report["places"]["total"] == 12
    assert {remark["kind"] for remark in report["remarks"]} == {"expired", "unused", "no-endpoint", "wide"}


@pytest.mark.parametrize(
    ("location", "places"),
    [
        ("outbound payments POST /charges", 12),
        ("outbound payments POST /charges request.body $.amount", 12),
        ("outbound inventory * request.target", 18),
        ("outbound payments POST /charges request.header content-type", 12),
        ("outbound payments POST /charges request.body $.tip", 0),
        ("cookie sid", 6),
        ("header x-frame-options", 77),
        ("response.status", 77),
        ("$.items[*].sku", 41),
        ("$.items[?@.quantity > 1].sku", 26),
    ],
)
def test_check_counts_the_places_of_a_recording(tmp_path: Path, location: str, places: int) -> None:
    rule = f'[[rules]]\nid = "r"\nlocation = "{location}"\nexpect = "regex:.*"\n'
    (tmp_path / "retape.rules.toml").write_text(rule)
    report = json.loads(invoke("check", "shop.sqlite", "--format", "json")[1])
    assert report["places"] == {"r": places}
    assert [remark["kind"] for remark in report["remarks"]] == ([] if places else ["no-place"])


@pytest.mark.slow
def test_check_without_rules_has_nothing_to_say() -> None:
    assert invoke("check")[:2] == (0, "0 rules in no configuration file: sound.\n")
    assert invoke("check", "shop.sqlite", "run.sqlite", "--strict")[0] == 0


@pytest.mark.slow
def test_mutate_measures_and_can_fail() -> None:
    mutate = ("check", "shop.sqlite", "--mutate", "--sample", "4")
    code, out, err = invoke(*mutate, "--fail-under", "1")
    assert code == 0
    assert "Detection power: " in out
    assert "changing the answers of GET /orders" in err
    code, out, _ = invoke(*mutate, "--fail-under", "100", "--format", "json", "--seed", "3")
    report = json.loads(out)["mutation"]
    assert report["tried"] == sum(row["tried"] for row in report["endpoints"])
    assert (code, report["percent"] < 100) == (1, True)


def test_what_was_not_measured_is_not_enough(tmp_path: Path) -> None:
    write(tmp_path / "big.sqlite", [Said({"text": "x" * 200_001})])
    code, out, _ = invoke("check", "big.sqlite", "--mutate", "--fail-under", "50")
    assert code == 3
    assert "left out are 1 because its body is larger than 200,000 bytes" in out
    assert invoke("check", "big.sqlite", "--mutate")[0] == 0


@pytest.mark.parametrize("arguments", [("--mutate",), ("--fail-under", "9")])
def test_mutate_needs_a_capture(arguments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--mutate"):
        invoke("check", *arguments)


def test_explain_without_a_path_lists_what_is_unequal() -> None:
    out = explained("")
    assert out.startswith("Exchange 6, replayed as 6: POST /orders  (drifted)\n")
    assert "  accepted  $.total" not in out
    assert "[volatile.timestamp]" in out
    assert "outbound payments POST /charges request.body $.amount" in out


def test_explain_a_drift_and_what_would_let_it_pass() -> None:
    out = explained("$.stock", "2")
    assert 'recorded   3\n  replayed   "3"' in out
    assert "drift, class response.body.type-changed" in out
    assert "24/24 samples, number" in out
    assert "none of yours names this place" in out
    entry = tomllib.loads(out[out.index("[[rules]]") :])["rules"][0]
    assert (entry["endpoint"], entry["location"]) == ("GET /products/{id}", "response.body $.stock")
    assert entry["values"] == [3, "3"]


@pytest.mark.slow
def test_explain_what_a_built_in_rule_accepted_and_what_would_forbid_it() -> None:
    out = explained("$.created_at")
    assert "accepted by volatile.timestamp" in out
    assert "still asserted: " in out
    assert tomllib.loads(out[out.index("[[rules]]") :])["rules"][0]["expect"] == "equal"
    for place, rule in (("header etag", "builtin.validator"), ("header Date", "builtin.date")):
        assert f"accepted by {rule}" in explained(place)
    assert "accepted by " in explained("cookie sid", "1")


@pytest.mark.slow
def test_explain_shows_the_rules_in_their_order_and_those_that_nearly_apply(tmp_path: Path) -> None:
    (tmp_path / "retape.rules.toml").write_text(
        RULES + '[[rules]]\nid = "any-total"\nlocation = "$..total"\nexpect = "number"\n'
    )
    total = explained("$.total")
    assert "accepted by total" in total
    assert '"total" decides: it is satisfied (it expects number, within 1% of the recorded value)' in total
    assert '"any-total" stands behind: "total" comes first' in total
    created = explained("$.created_at")
    assert '"elsewhere" does not apply: it is for GET /carts/{id}, this is POST /orders' in created
    assert '"late" does not apply: it expired on 2020-01-01' in created
    assert '"prices" does not apply: its path $.items[*].price does not name $.price' in explained("$.price", "2")


@pytest.mark.parametrize("place", ["$.customer.name", "response.status", "$.items[*].sku"])
def test_explain_what_is_equal(place: str) -> None:
    out = explained(place)
    assert "verdict    equal" in out
    assert "both sides are the same" in out


def test_explain_never_calls_equal_what_differs_in_an_exchange_that_failed(tmp_path: Path) -> None:
    call = Call("/pay", {"total": 9.99})
    source = write(tmp_path / "c.sqlite", [Said({"total": 9.99}, calls=(call,))])
    run = write(tmp_path / "r.sqlite", [Said(failed=True, calls=(replace(call, body={"total": 9.98}),))], source)
    shown = ("explain", str(run.path), str(source.inbound[0]), "--recorded", str(source.path))
    out = invoke(*shown, "$.total")[1]
    assert "verdict    not judged" in out
    assert "the exchange failed (response.failed)" in out
    out = invoke(*shown, *"outbound bank POST /pay request.body $.total".split())[1]
    assert "outbound.request.body.value-changed" in out
    assert "verdict    drift" in out


def test_explain_as_json() -> None:
    out = invoke("explain", "run.sqlite", "6", "$.created_at", "--recorded", "shop.sqlite", "--format", "json")[1]
    place = json.loads(out)["places"][0]
    assert place["outcome"] == "accepted"
    assert place["by"] == ["volatile.timestamp"]
    assert place["recorded"]["value"].startswith("2026-11-20")


@pytest.mark.parametrize(
    ("exchange", "place", "sentence"),
    [
        ("7", "$.a", "none of the recorded requests"),
        ("6", "$.nope", "no value at \\$.nope"),
        ("6", "header x-nope", "no header x-nope"),
        ("6", "$.a b", "at column 4"),
        ("6", "nowhere", "names no place"),
    ],
)
def test_explain_refuses_what_is_not_there(exchange: str, place: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        explained(place, exchange)


def test_a_run_says_what_it_was_made_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not say where its recording is") as raised:
        invoke("explain", "run.sqlite", "6")
    assert raised.value.hint == "Name it: --recorded shop.sqlite"
    with CaptureWriter(tmp_path / "recording.sqlite", mode="record"):
        pass
    with pytest.raises(UsageError, match="does not say where its recording is") as raised:
        invoke("explain", "recording.sqlite", "6")
    assert raised.value.hint is not None
    assert raised.value.hint.startswith("It is no run: make one")
    with CaptureWriter(tmp_path / "empty.sqlite", mode="replay", meta={"source": "/elsewhere/shop.sqlite"}):
        pass
    assert "It was not replayed" in invoke("explain", "empty.sqlite", "6")[1]  # found beside the run
    (tmp_path / "shop.sqlite").unlink()
    with pytest.raises(UsageError, match="is not there"):
        invoke("explain", "empty.sqlite", "6")


@pytest.mark.slow
def test_suggestions_let_their_drift_pass_and_nothing_more(tmp_path: Path) -> None:
    code, out, err = invoke("suggest", "run.sqlite", "--recorded", "shop.sqlite")
    entries = tomllib.loads(out)["rules"]
    assert code == 0
    assert "no rule can say this" in err  # a call that is made twice
    assert not (tmp_path / "retape.rules.toml").exists()
    assert {entry["expect"] for entry in entries} <= {"one-of", "optional", "integer", "number", "any-of"}
    assert invoke("suggest", "run.sqlite", "--recorded", "shop.sqlite", "--write", "--author", "dana")[0] == 0
    kept = tomllib.loads((tmp_path / "retape.rules.toml").read_text())["rules"]
    assert [entry["id"] for entry in kept] == [entry["id"] for entry in entries]
    assert all(entry["author"] == "dana" for entry in kept)
    code, out, err = invoke("suggest", "run.sqlite", "--recorded", "shop.sqlite")
    assert code == 1  # drift remains, and no rule can say it
    assert [line[:2] for line in out.splitlines()] == ["# "]
    assert "no rule can say this" in out
    assert "no drift that a rule could let pass" in err


@pytest.mark.slow
def test_one_group_is_named_by_the_beginning_of_its_fingerprint() -> None:
    whole = json.loads(invoke("suggest", "run.sqlite", "--recorded", "shop.sqlite", "--format", "json")[1])
    short = whole[0]["id"].removeprefix("drift-")[:8]
    out = invoke("suggest", "run.sqlite", short, "--recorded", "shop.sqlite", "--format", "json")[1]
    assert json.loads(out) == whole[:1]
    with pytest.raises(UsageError, match="is not a drift group"):
        invoke("suggest", "run.sqlite", "zzzz", "--recorded", "shop.sqlite")


@pytest.mark.slow
def test_a_drift_of_a_rule_of_ones_own_is_for_that_rule(tmp_path: Path) -> None:
    (tmp_path / "retape.rules.toml").write_text('[[rules]]\nid = "s"\nlocation = "$.stock"\nexpect = "integer"\n')
    out, err = invoke("suggest", "run.sqlite", "--recorded", "shop.sqlite")[1:]
    assert "$.stock" not in [rule["location"].removeprefix("response.body ") for rule in tomllib.loads(out)["rules"]]
    assert "# " in out
    assert 'your rule "s" comes first' in out
    assert 'your rule "s" comes first' in err
    assert '"s" decides: the rule expects integer' in explained("$.stock", "2")


def repeated(side: int) -> list[Row]:
    """One text that changed at four places of three endpoints; and a number that moves in many answers."""
    banner = f"release {'two' if side else 'one'} with words"
    rows = [Row(f"GET /a/{100 + n}", {"id": 100 + n, "banner": banner, "n": n}) for n in range(3)]
    rows += [Row("GET /b", {"banner": banner, "foot": banner}), Row("GET /c", {"deep": {"banner": banner}})]
    moving = [Row(f"GET /d?n={n}", {"score": 100 + side * n}) for n in range(12)]
    mixed = [Row(f"GET /e?n={n}", {"x": (5, "5a", 5, "b5")[n] if side else 5}) for n in range(4)]
    return rows + moving + mixed


@pytest.mark.slow
def test_with_all_suggestions_kept_the_run_is_clean(tmp_path: Path) -> None:
    ids = write_rows(tmp_path / "ours.sqlite", repeated(0), 1800, None)
    write_rows(tmp_path / "theirs.sqlite", repeated(1), 30, ids)
    assert retape.run(["diff", "ours.sqlite", "theirs.sqlite", "--report", "json=before.json"]) == 1
    code, out, err = invoke("suggest", "theirs.sqlite", "--recorded", "ours.sqlite", "--write")
    assert code == 0
    assert "With them the run has no drift." in err
    drafts = tomllib.loads(out)["rules"]
    told = {(one["endpoint"], one["location"].removeprefix("response.body ")): one["evidence"] for one in drafts}
    assert told == {
        ("GET /a/{id}", "$.banner"): "3 differences in 3 exchanges",
        ("GET /b", "$.banner"): "1 difference in 1 exchange",
        ("GET /b", "$.foot"): "1 difference in 1 exchange",
        ("GET /c", "$.deep.banner"): "1 difference in 1 exchange",
        ("GET /d", "$.score"): "11 differences in 11 exchanges",
        ("GET /e", "$.x"): "2 differences in 2 exchanges",
    }
    assert retape.run(["diff", "ours.sqlite", "theirs.sqlite", "--report", "json=after.json"]) == 0


def test_a_removal_is_accepted_with_a_warning(tmp_path: Path) -> None:
    rows = [
        [Row(f"GET /a?n={n}", {"id": 1, "total": 5} if not side else {"id": 1}) for n in range(3)] for side in (0, 1)
    ]
    ids = write_rows(tmp_path / "ours.sqlite", rows[0], 1800, None)
    write_rows(tmp_path / "theirs.sqlite", rows[1], 30, ids)
    code, out, err = invoke("suggest", "theirs.sqlite", "--recorded", "ours.sqlite")
    (draft,) = tomllib.loads(out)["rules"]
    assert (code, draft["expect"]) == (0, "optional")
    assert draft["reason"].startswith("accepts a removal, which is no volatility")
    assert "careful: " in err
    assert "whoever reads it breaks" in err


HOSTILE = "\x1b[31m\x07\u202e\x9b1m\x00\u2028"


def hostile(side: int) -> list[Row]:
    text = f"{HOSTILE}{side}"
    sent = {"request": "POST /c\x1b[3m", "body": {"x" + HOSTILE: text}, "dependency": "dep\x1b[3m"}
    body = {"v": f"{text} a b", "k" + HOSTILE: side, "half\ud800": side}
    return [Row("GET /a/%1b\x9b31m", body, headers={"X-Ev\x1b": f"a{side}", "X-C1\x9b": f"b{side}"}, calls=[sent])]


@pytest.mark.parametrize(
    "arguments",
    [
        ("suggest", "theirs.sqlite", "--recorded", "ours.sqlite"),
        ("suggest", "theirs.sqlite", "--recorded", "ours.sqlite", "--format", "json"),
        ("explain", "theirs.sqlite", "1", "--recorded", "ours.sqlite"),
        ("explain", "theirs.sqlite", "1", "header", "x-c1\x9b", "--recorded", "ours.sqlite"),
        ("explain", "theirs.sqlite", "1", "--recorded", "ours.sqlite", "--format", "json"),
        ("check", "ours.sqlite", "--mutate"),
        ("check", "ours.sqlite", "--mutate", "--format", "json"),
    ],
)
def test_nothing_recorded_acts_on_the_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ids = write_rows(tmp_path / "ours.sqlite", hostile(0), 1800, None)
    write_rows(tmp_path / "theirs.sqlite", hostile(1), 30, ids)
    _, out, err = invoke(*arguments)
    assert visible(out, lines=True) == out
    assert visible(err, lines=True) == err
    assert out.isprintable() or "\n" in out


def test_a_suggestion_says_the_name_it_escapes(tmp_path: Path) -> None:
    ids = write_rows(tmp_path / "ours.sqlite", hostile(0), 1800, None)
    write_rows(tmp_path / "theirs.sqlite", hostile(1), 30, ids)
    drafts = tomllib.loads(invoke("suggest", "theirs.sqlite", "--recorded", "ours.sqlite")[1])["rules"]
    assert any("x-c1\x9b" in draft["location"] for draft in drafts)
    assert not any("\\ud800" in draft["location"] for draft in drafts)


def test_every_command_has_an_example() -> None:
    for name, command in rules.commands.items():
        assert f"retape rules {name}" in (command.help or ""), name
