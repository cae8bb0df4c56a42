"""Approvals in a file that people wrote: everything else stays byte for byte."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from captures.errors import ConfigError
from diffing.model import Approval, Decision
from diffing.review.approvalsfile import undecided, with_approvals
from diffing.rulebook.tables import spans

PATH = Path("retape.rules.toml")
A, B, C = "a3f8c21b9d04", "b00000000001", "c00000000002"
FILE = f'''# House rules.
[[rules]]
id = "a"  # keep
location = "$.at"
expect = "timestamp"
reason = """
[[approvals]]
fingerprint = "not a table"
"""

# Why Dana took it.
[[approvals]]
fingerprint = "{A}"
decision = "accepted"   # talked about on Monday
reason = "old"

[[rules]]
id = "b"
location = "$['[[approvals]]']"
expect = "one-of"
values = [
  "x", # ]
]
# the end
'''


def accepted(name: str, **more: object) -> Approval:
    return Approval(name, Decision.ACCEPTED, **more)  # type: ignore[arg-type]


def test_where_the_entries_stand() -> None:
    (one,) = spans(FILE, "approvals")
    assert FILE[one.start : one.end].splitlines() == [
        "[[approvals]]",
        f'fingerprint = "{A}"',
        'decision = "accepted"   # talked about on Monday',
        'reason = "old"',
    ]
    assert [FILE[one.start :].splitlines()[1] for one in spans(FILE, "rules")] == ['id = "a"  # keep', 'id = "b"']
    assert len(spans('[ [ "approvals" ] ]\n'.replace("[ [", "[[").replace("] ]", "]]"), "approvals")) == 1


def test_a_new_one_is_appended_and_leaves_every_byte_before_it() -> None:
    after, meant = with_approvals(FILE, [accepted(B, reason="it is so", until=date(2026, 12, 31))], PATH)
    assert after == (
        f'{FILE}\n[[approvals]]\nfingerprint = "{B}"\ndecision = "accepted"\nreason = "it is so"\nuntil = 2026-12-31\n'
    )
    assert tomllib.loads(after) == meant


def test_a_second_decision_changes_the_entry_and_keeps_its_comments() -> None:
    after, meant = with_approvals(FILE, [Approval(A, Decision.REJECTED, author="lee")], PATH)
    assert after == FILE.replace(
        '"accepted"   # talked about on Monday\nreason = "old"',
        '"rejected"   # talked about on Monday\nauthor = "lee"',
    )
    assert tomllib.loads(after) == meant
    assert with_approvals(after, [Approval(A, Decision.REJECTED, author="lee")], PATH)[0] == after


def test_taking_out_what_was_put_in_gives_the_file_back() -> None:
    after, _ = with_approvals(FILE, [accepted(B), accepted(C)], PATH)
    back, meant, gone = undecided(after, [C, B, "d00000000003"], PATH)
    assert (back, gone) == (FILE, (C, B))
    assert tomllib.loads(back) == meant
    bare, meant, _ = undecided(FILE, [A], PATH)
    assert tomllib.loads(bare) == meant
    assert "# Why Dana took it.\n" in bare


def test_two_entries_of_one_group_out_of_a_merge_become_one() -> None:
    twice = f'{FILE}\n[[approvals]]\nfingerprint = "{A}"\ndecision = "rejected"\n'
    after, meant = with_approvals(twice, [accepted(A, reason="new")], PATH)
    assert after == FILE.replace('"old"', '"new"')
    assert tomllib.loads(after) == meant


def test_an_acceptance_takes_a_rejected_place_of_it_over() -> None:
    text, _ = with_approvals("", [Approval(B, Decision.REJECTED, places=(C,)), Approval(A, Decision.REJECTED)], PATH)
    after, _ = with_approvals(text, [accepted("d00000000003", places=(C, A))], PATH, {A, C, "d00000000003"})
    assert [(one["fingerprint"], one.get("places")) for one in tomllib.loads(after)["approvals"]] == [
        (B, None),
        ("d00000000003", [C, A]),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[approvals]\n", "not valid TOML"),
        (f'approvals = [{{fingerprint = "{A}", decision = "accepted"}}]\n', "in one list"),
        ('[[approvals]]\nfingerprint = "x"\n', "is no fingerprint"),
        ("approvals = 3\n", "must be written as"),
    ],
)
def test_a_file_that_is_wrong_is_said_and_left(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        with_approvals(text, [accepted(B)], PATH)


@pytest.mark.parametrize("text", [FILE.replace("\n", "\r\n"), "\ufeff" + FILE, "\ufeff", "", FILE.rstrip("\n")])
def test_marks_line_endings_and_missing_ends(text: str) -> None:
    after, meant = with_approvals(text, [accepted(B)], PATH)
    assert after.startswith(text.rstrip())
    assert tomllib.loads(after.removeprefix("\ufeff")) == meant
    again, meant = with_approvals(after, [accepted(B, reason="twice")], PATH)
    assert tomllib.loads(again.removeprefix("\ufeff")) == meant
    back, _, _ = undecided(again, [B], PATH)
    assert tomllib.loads(back.removeprefix("\ufeff")) == tomllib.loads(text.removeprefix("\ufeff"))
