"""What is bound in memory, and what of it is written into the run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from captures.model import Headers
from replayer import bound as module
from replayer.bound import Bound
from replayer.chain_rules import chain_rules
from replayer.rewriting import apply
from tests.replayer.test_precedence import ONE, exchange

TWO = "aa0e6a52-8f0b-4f5e-9a56-8c0d9b6d2a99"


def test_a_new_id_is_bound_and_shown() -> None:
    bound = Bound()
    raw = exchange(9, "POST /orders", {"id": TWO})
    bound.absorb(exchange(1, "POST /orders", {"id": ONE}), raw, raw)
    assert bound.bindings.live(ONE) == TWO
    assert bound.shown == {ONE: TWO}


def test_a_secret_is_bound_and_its_pseudonym_shown() -> None:
    def answered(value: str) -> Headers:
        return ((b"Set-Cookie", f"sid={value}".encode()),)

    bound = Bound()
    recorded = exchange(1, "POST /login", {}, answered=answered("q8Zr2Lk9Xw4Tn6Vb"))
    raw = exchange(9, "POST /login", {}, answered=answered("LIVE2Lk9Xw4Tn6Vb7"))
    written = replace(raw, response=exchange(9, "POST /login", {}, answered=answered("zzZr2Lk9Xw4Tn6Vb1")).response)
    bound.absorb(recorded, raw, written)
    assert bound.bindings.live("q8Zr2Lk9Xw4Tn6Vb") == "LIVE2Lk9Xw4Tn6Vb7"
    assert bound.shown == {"q8Zr2Lk9Xw4Tn6Vb": "zzZr2Lk9Xw4Tn6Vb1"}


def test_no_answer_teaches_nothing_and_the_run_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = Bound()
    lost = exchange(9, "POST /orders", status=0)
    bound.absorb(exchange(1, "POST /orders", {"id": ONE}), lost, lost)
    assert bound.shown == {}
    monkeypatch.setattr(module, "MAX_BINDINGS", 0)
    raw = exchange(9, "POST /orders", {"id": TWO})
    bound.absorb(exchange(1, "POST /orders", {"id": ONE}), raw, raw)
    assert bound.bindings.live(ONE) == TWO
    assert bound.shown == {}


def test_what_is_bound_by_a_noun_is_told_once_a_request_brought_it_back() -> None:
    def answered(value: str) -> Headers:
        return ((b"Set-Cookie", f"sid={value}".encode()), (b"Set-Cookie", f"theme={value[:4]}".encode()))

    bound = Bound()
    recorded = exchange(1, "POST /orders", {"id": 17}, answered=answered("abcdefghijklmnop"))
    raw = exchange(9, "POST /orders", {"id": 25}, answered=answered("liveliveliveliv"))
    written = replace(
        raw, response=exchange(9, "POST /orders", {"id": 25}, answered=answered("pseudonympseudo")).response
    )
    bound.absorb(recorded, raw, written)
    assert bound.named() == []
    asked = exchange(2, "GET /orders/17", headers=((b"Cookie", b"sid=abcdefghijklmnop; theme=abcd"),)).request
    sent, _ = apply(bound.bindings, asked, before=2)
    assert sent.target == b"/orders/25"
    assert (b"Cookie", b"sid=liveliveliveliv; theme=live") in sent.headers
    assert sorted(bound.named()) == [
        ["17", "25", "id", "order"],
        ["abcdefghijklmnop", "pseudonympseudo", "value", "cookie sid"],
    ]


def test_what_a_chain_names_is_told_as_redaction_leaves_it() -> None:
    rules = chain_rules([{"from": "POST /tables json $.number", "to": "GET /tables/{number}"}])
    bound = Bound(rules)
    raw = exchange(9, "POST /tables", {"number": 23})
    bound.absorb(exchange(1, "POST /tables", {"number": 3}), raw, raw)
    assert ["3", "23", "field", "number"] in bound.named()
