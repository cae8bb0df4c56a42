"""``[[approvals]]`` entries: what is refused, and what a group becomes."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from captures.config import load
from captures.errors import ConfigError
from captures.model import Session
from diffing.model import Approval, Decision, Group, Kind, Level
from diffing.options import approvals_from
from diffing.review.approvals import approval_of, entry_of, parse_approvals, recording_of
from diffing.review.approvalsfile import with_approvals
from diffing.rulebook.tomlfile import rewrite
from tests.corpus import each

GOOD: dict[str, Any] = {"fingerprint": "a3f8c21b9d04", "decision": "accepted"}


@each(
    ("more", "sentence"),
    [
        ({"reson": "x"}, 'unknown key "reson". Did you mean "reason"?'),
        ({"fingerprint": "a3f8"}, "'a3f8' is no fingerprint"),
        ({"places": ["A3F8C21B9D04"]}, "is no fingerprint"),
        ({"places": "a3f8c21b9d04"}, "must be a list"),
        ({"decision": "ignored"}, 'must be "accepted" or "rejected"'),
        ({"until": "tomorrow"}, 'until = tomorrow is no date or "re-recorded"'),
        ({"until": 3}, "is no date"),
        ({"until": "re-recorded"}, "and recording go together"),
        ({"recording": "x"}, "and recording go together"),
        ({"decision": "rejected", "until": date(2026, 1, 1)}, "belongs to what is accepted"),
        ({"created": "soon"}, "created = soon is no date"),
        ({"author": 7}, "author must be a string"),
    ],
)
def test_what_is_no_approval_is_refused_with_its_place(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_approvals([{**GOOD, **more}], "retape.rules.toml")
    assert sentence in caught.value.message
    assert "retape.rules.toml [[approvals]]" in caught.value.message


def test_an_entry_reads_back() -> None:
    approval = Approval(
        "a3f8c21b9d04",
        Decision.ACCEPTED,
        "c",
        "r",
        "dana",
        date(2026, 11, 30),
        "re-recorded",
        "2026",
        ("0c57d1e2ab90",),
    )
    assert parse_approvals([entry_of(approval)]) == (approval,)
    assert entry_of(Approval("a3f8c21b9d04", Decision.REJECTED)) == {**GOOD, "decision": "rejected"}


def test_the_configuration_takes_them_from_the_rules_file_and_checks_the_keys(tmp_path: Path) -> None:
    (tmp_path / "retape.toml").touch()
    path = tmp_path / "retape.rules.toml"
    path.write_text('[[approvals]]\nfingerprint = "a3f8c21b9d04"\ndecision = "accepted"\nuntil = 2026-12-31\n')
    assert [one.until for one in approvals_from(load(tmp_path))] == [date(2026, 12, 31)]
    path.write_text('[[aprovals]]\nfingerprint = "a3f8c21b9d04"\n')
    with pytest.raises(ConfigError, match=r'unknown key "aprovals". Did you mean "approvals"'):
        load(tmp_path)
    path.write_text('[[approvals]]\nfinger = "a3f8c21b9d04"\n')
    with pytest.raises(ConfigError, match=r'unknown key "finger". Did you mean "fingerprint"'):
        load(tmp_path)


def test_a_recording_is_as_new_as_its_newest_session_and_a_run_in_it_does_not_count() -> None:
    def session(number: int, mode: str, started: float) -> Session:
        return Session(number, mode, started, None)

    one = [session(1, "record", 1_790_000_000.25), session(2, "record", 1_790_000_500.0)]
    assert recording_of(one) == recording_of(reversed(one)) == "2026-09-21T14:21:40.000000Z"
    assert recording_of([*one, session(3, "replay", 1_800_000_000.0)]) == recording_of(one)
    assert recording_of(one[:1]) < recording_of(one)
    assert recording_of([]) == ""


def test_captured_text_in_an_entry_is_harmless_and_reads_back(tmp_path: Path) -> None:
    hostile = "response.body $['\u202e\ud800\x1b[31m']"
    group = Group(
        "a" * 12, "response.body.type-changed", Kind.CONTRACT, Level.ERROR, "GET /a", hostile, "secret", 5, "", 1, (1,)
    )
    approval = approval_of(group, Decision.ACCEPTED, reason="why\u202e\ud800", author="d\x1b")
    assert approval.change == "GET /a response.body $['\\u202e\\ud800\\x1b[31m']: string -> number"
    path = tmp_path / "retape.rules.toml"
    rewrite(path, lambda before: with_approvals(before, [approval], path))
    text = path.read_text(encoding="utf-8")
    assert set(text) - {"\n"} <= set(map(chr, range(32, 127)))
    assert "secret" not in text
    assert parse_approvals(tomllib.loads(text)["approvals"]) == (approval,)
