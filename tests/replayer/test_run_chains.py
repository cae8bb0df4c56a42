"""Whole replays: fresh credentials, named chains, and sources that vanished."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import retape
from captures.errors import TargetError
from captures.model import Exchange, Headers, header
from captures.store import Capture
from diffing.engine import compare_captures
from diffing.model import Result
from replayer.chain_rules import chain_rules
from replayer.credentials import Credentials
from replayer.events import Notice
from tests.replayer.tapes import NOW, ORDER, Tape, request, response, run_of
from tests.replayer.test_signing import token as jwt

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

VAULT = [sys.executable, str(Path(__file__).with_name("vault.py")), "{port}"]
RECORDED = "0f0e6a528f0b4f5e9a568c0d9b6d2a11"  # a pseudonym of a token
LOGIN = {"path": "/login", "json": {"password": "${PASSWORD}"}, "token": "$.token"}
ENV = {"PASSWORD": "right-password"}


def bearer(text: str = RECORDED) -> Headers:
    return ((b"Authorization", f"Bearer {text}".encode()),)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Two orders, each read and paid for; whoever asks logged in before the recording began."""
    path = tmp_path / "vault.sqlite"
    with Tape(path) as tape:
        for order in (ORDER, ORDER.replace("3", "4")):
            made = {"id": order, "total": 25}
            tape.inbound(request("POST", "/orders", {"sku": "A"}, headers=bearer()), response(201, made))
            for _ in range(3):
                tape.inbound(request(target=f"/orders/{order}", headers=bearer()), response(200, made))
    return path


def replayed(capture: Path, mode: str = "", **options: Any) -> tuple[list[Exchange], Result]:
    outcome, exchanges, _ = run_of(capture, command=VAULT + ([mode] if mode else []), **options)
    return exchanges, compare_captures(capture, outcome.run)


def test_a_login_supplies_the_token_and_nothing_of_it_is_written(orders: Path) -> None:
    exchanges, result = replayed(orders, auth=Credentials.of({"login": LOGIN}, ENV))
    assert [one.response.status for one in exchanges if one.response] == [201, 200, 200, 200] * 2
    assert (result.verdict, result.exit_code) == ("clean", 0), result.groups
    assert {
        "where": "header authorization", "why": "supplied by [replay.auth]",
    } in exchanges[0].notes["changes"]  # fmt: skip
    written = (orders.with_name("run.sqlite")).read_bytes()
    assert b"right-password" not in written
    sent = header(exchanges[0].request.headers, "authorization")
    assert sent not in (None, *[value for _, value in bearer()]), "a pseudonym of the live token"


def test_a_login_that_is_refused_ends_the_replay_with_one_sentence(orders: Path) -> None:
    with pytest.raises(TargetError, match="was answered with 401"):
        replayed(orders, auth=Credentials.of({"login": LOGIN}, {"PASSWORD": "wrong"}))


@pytest.mark.parametrize(
    ("mode", "said", "drift"),
    [
        ("refuse", "did not make: it answered 500 instead of 201", "response.status.class"),
        ("mute", "no longer shows", "response.body.field-removed"),
    ],
)
def test_what_needs_what_was_not_made_is_not_sent_and_one_group_says_so(
    orders: Path, mode: str, said: str, drift: str
) -> None:
    exchanges, result = replayed(orders, mode, auth=Credentials.of({"login": LOGIN}, ENV))
    assert [one.replay_of for one in exchanges] == [1, 5]
    with Capture.open(orders.with_name("run.sqlite")) as run:
        assert [(one.exchange, one.reason) for one in run.skipped()] == [
            (number, f"needs the id that exchange {source} (POST /orders) {said}")
            for source, numbers in ((1, (2, 3, 4)), (5, (6, 7, 8)))
            for number in numbers
        ]
    assert (result.verdict, result.exit_code) == ("drift", 1)
    assert (result.ledger.drifted, result.ledger.not_replayed) == (2, 6)
    assert {group.endpoint for group in result.groups} == {"POST /orders"}, "no storm of 404s"
    assert any(
        group.class_id == drift and "6 later exchanges need what is no longer made there" in group.evidence
        for group in result.groups
    )
    assert result.reasons == (
        f"6 exchanges: not replayed: needs the id that POST /orders (exchange 1 and 1 more) {said}",
    )


def test_a_number_without_evidence_flows_where_a_chain_names_it(tmp_path: Path) -> None:
    statuses = {}
    entry = {"name": "table", "from": "POST /tables json $.place", "to": "GET /tables/{number}"}
    for name, entries in (("without", []), ("with", [entry])):
        path = tmp_path / name / "tables.sqlite"
        with Tape(path) as tape:
            tape.inbound(request("POST", "/tables", {}), response(201, {"place": 3}))
            tape.inbound(request(target="/tables/3"), response(200, {"seats": 4}))
        exchanges, _ = replayed(path, chains=chain_rules(entries))
        statuses[name] = exchanges[1].response and exchanges[1].response.status
    assert statuses == {"without": 404, "with": 200}
    assert exchanges[1].notes["changes"] == [{"where": "target", "why": 'chained from exchange 1 by [[chain]] "table"'}]


@pytest.mark.parametrize(("section", "status"), [({}, 401), ({"jwt_key": "${VAULT_KEY}"}, 200)])
def test_recorded_jwts_are_valid_again_with_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: dict[str, Any], status: int
) -> None:
    monkeypatch.setenv("VAULT_KEY", "the key of the build")
    path = tmp_path / "jwt.sqlite"
    recorded = jwt({"sub": "ann", "exp": int(NOW) + 600}, key=b"another key")
    with Tape(path) as tape:
        tape.inbound(request(target="/whoami", headers=bearer(recorded)), response(200, {"sub": "ann"}))
    exchanges, _ = replayed(path, auth=Credentials.of(section, {"VAULT_KEY": "the key of the build"}))
    assert exchanges[0].response is not None
    assert exchanges[0].response.status == status


def test_a_request_that_was_refused_is_sent_with_the_credentials_it_was_refused_for(tmp_path: Path) -> None:
    path = tmp_path / "refused.sqlite"
    with Tape(path) as tape:
        tape.inbound(
            request(target="/orders/x", headers=bearer("wrong-token-1234")), response(401, {"error": "who are you"})
        )
        tape.inbound(request(target="/orders/x", headers=bearer()), response(404, {"error": "no such order"}))
    exchanges, result = replayed(path, auth=Credentials.of({"login": LOGIN}, ENV))
    assert [one.response.status for one in exchanges if one.response] == [401, 404]
    assert "changes" not in exchanges[0].notes
    assert (result.verdict, result.exit_code) == ("clean", 0), result.groups


def test_jwts_of_pseudonyms_are_not_signed_and_the_replay_says_so(tmp_path: Path) -> None:
    path = tmp_path / "jwt.sqlite"
    recorded = jwt({"sub": "qwut-95", "exp": int(NOW) + 600}, key=b"another key")
    with Tape(path) as tape:
        for _ in range(2):
            tape.inbound(
                request(target="/whoami", headers=bearer(recorded)), response(200, {"sub": "ann"}),
                notes={"redacted": {"request.header authorization": 1}},
            )  # fmt: skip
    outcome, exchanges, events = run_of(path, command=VAULT, auth=Credentials.of({"jwt_key": "${K}"}, {"K": "x"}))
    assert [one.response.status for one in exchanges if one.response] == [401, 401]
    said = [event.sentence for event in events if isinstance(event, Notice) and "jwt_key" in event.sentence]
    assert len(said) == 1
    assert "redaction replaced their claims" in said[0]
    assert compare_captures(path, outcome.run).verdict == "inconclusive"


CONFIGURED = """
[replay.auth]
login = { path = "/login", json = { password = "${VAULT_PASSWORD}" }, token = "$.token" }

[[chain]]
name = "table"
from = "POST /tables json $.place"
to = "GET /tables/{number}"
"""


def test_all_of_it_from_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "retape.toml").write_text(CONFIGURED)
    made = {"id": ORDER, "total": 25}
    with Tape(tmp_path / "c.sqlite") as tape:
        tape.inbound(request("POST", "/tables", {}), response(201, {"place": 3}))
        tape.inbound(request(target="/tables/3"), response(200, {"seats": 4}))
        tape.inbound(request("POST", "/orders", {"sku": "A"}, headers=bearer()), response(201, made))
        tape.inbound(request(target=f"/orders/{ORDER}", headers=bearer()), response(200, made))
    command = ["replay", "c.sqlite", "-o", "run.sqlite", "--report", "json", "--", *VAULT]
    assert retape.run(command) == 2
    assert "json.password: the environment variable VAULT_PASSWORD is not set" in capfd.readouterr().err
    monkeypatch.setenv("VAULT_PASSWORD", "right-password")
    retape.run(command)
    out, err = capfd.readouterr()
    with Capture.open(tmp_path / "run.sqlite") as run:
        statuses = [one.response.status for one in run.exchanges() if one.response]
    assert statuses == [201, 200, 201, 200], err
    assert "right-password" not in out + err
