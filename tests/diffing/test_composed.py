"""Ids inside of tokens, held to the renaming of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diffing.contract.profile import Profile
from diffing.place import Place
from diffing.rulebook.rules import RuleBook
from diffing.values.composed import judge_ids, parts
from diffing.values.identity import Identity
from diffing.values.moments import Clock

OLD, NEW, OTHER = "ord_8fk2b1xk", "ord_9x2k1m3p", "ord_zz91kk22"


def place(**given: Any) -> Place:
    clock = Clock(0.0, 1.0)
    return Place("GET /a", "GET /a 200", 1, clock, clock, Identity(), Profile(), RuleBook(), **given)


@pytest.mark.parametrize("form", ["tenant-{}-x", "v1.{}.aB3", '"{}-5"', "a~{}", "x:{}:y9"])
def test_an_id_inside_is_held_to_its_renaming(form: str) -> None:
    around = place()
    around.identity.observe(OLD, NEW)
    assert judge_ids(form.format(OLD), form.format(NEW), around) == ""
    assert "another" in judge_ids(form.format(OLD), form.format(OTHER), around)


def test_what_nobody_knows_contradicts_nothing_until_it_is_learnt() -> None:
    around = place()
    learning = replace(around, learning=True)
    one, other = "tenant-9f8e7d6c5b4a3f2e.v1", "tenant-1a8e7d6c5b4a3f2e.v1"
    assert judge_ids(one, other, around) == ""
    assert judge_ids(one, other, learning) == ""
    assert around.identity.times("9f8e7d6c5b4a3f2e", "1a8e7d6c5b4a3f2e") == 1
    assert judge_ids(one, other, around) == ""
    assert judge_ids(one, "tenant-2b8e7d6c5b4a3f2e.v1", around)


def test_a_token_that_stays_elsewhere_is_no_other_here() -> None:
    around = place()
    around.identity.observe("aB3dE6gH9jK2", "aB3dE6gH9jK2")
    assert judge_ids("aB3dE6gH9jK2", "xC4eF7hJ1kL3", around)
    assert judge_ids("yB3dE6gH9jK2", "xC4eF7hJ1kL3", around) == ""


def test_parts_are_cut_alike_or_not_at_all() -> None:
    assert list(parts("plain1", "plain2")) == []
    assert ("abcde1", "abcde2") in list(parts("x-abcde1.k", "x-abcde2.k"))
    assert list(parts("x-abcde1", "x.abcde1.y")) == []
    uuid = "3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a6f"
    assert list(parts(f"t-{uuid}-x", f"t-{uuid.replace('3f', '4a', 1)}-x")) == [(uuid, uuid.replace("3f", "4a", 1))]
