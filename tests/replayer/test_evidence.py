"""What is never chained, and what is kept as ambiguous."""

from __future__ import annotations

import base64
import json
from typing import Any

from captures.model import Request
from replayer.bindings import Binding, Bindings
from replayer.chaining import absorb, settle
from replayer.rewriting import apply
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

OLD, ONE, TWO = (f"{digit * 8}-8f0b-4f5e-9a56-8c0d9b6d2a11" for digit in "3ab")


def told(bindings: Bindings, target: str, before: int) -> tuple[str, list[str]]:
    sent, changes = apply(bindings, request(target=target), before=before)
    return sent.target.decode(), [change.why for change in changes]


def answered(bindings: Bindings, number: int, recorded: Any, live: Any, asked: Request | None = None) -> None:
    asked = asked or request("POST", "/orders", {"sku": "A"})
    apply(bindings, asked, before=number)
    absorb(
        bindings, asked, response(201, recorded), response(201, live),
        f"exchange {number}", at=NOW, order=number,
    )  # fmt: skip


@each(
    ("name", "recorded", "live"),
    [
        ("id", 1, 2), ("id", "1", "2"), ("id", True, False), ("id", None, "x1y2z3"), ("ok", "true", "false"),
        ("state", "active", "paused"), ("id", "basic", "premium"), ("page", 10, 20), ("total", 100, 200),
        ("status", 200, 404), ("quantity", 17, 18), ("version", "1.2.3", "1.2.4"), ("price", "19.99", "29.99"),
        ("name", "Blue shirt", "Red shirt"), ("city", "Springfield", "Shelbyville"), ("currency", "EUR", "USD"),
        ("date", "2026-05-28", "2026-06-01"), ("slug", "shirts", "trousers"), ("ratio", 0.5, 0.6),
        ("zip", "08001", "08002"),
    ],
)  # fmt: skip
def test_never_a_flag_a_word_or_a_common_number(name: str, recorded: Any, live: Any) -> None:
    bindings = Bindings()
    answered(bindings, 1, {name: recorded}, {name: live})
    text = str(recorded).replace(" ", "%20")
    asked = request(
        "POST", f"/orders/{text}/{name}/{text}?{name}={text}&x={text}", {name: recorded, "x": recorded},
        headers=((b"X-Thing", text.encode()), (b"Cookie", f"{name}={text}".encode())),
    )  # fmt: skip
    assert apply(bindings, asked, before=2) == (asked, [])


def test_what_a_client_said_first_is_never_bound() -> None:
    bindings = Bindings()
    answered(bindings, 1, {"ok": True}, {"ok": True}, request("PUT", f"/orders/{OLD}", {}))
    answered(bindings, 2, [{"id": OLD}], [{"id": ONE}], request(target="/orders"))
    assert told(bindings, f"/orders/{OLD}", 3) == (f"/orders/{OLD}", [])


def test_what_was_minted_before_a_client_said_it_is_bound() -> None:
    bindings = Bindings()
    answered(bindings, 1, {"id": OLD}, {"id": ONE})
    answered(bindings, 2, {"ok": True}, {"ok": True}, request(target=f"/orders/{OLD}"))
    answered(bindings, 3, {"id": OLD}, {"id": TWO}, request("POST", "/orders", {"again": 1}))
    assert bindings.live(OLD) == TWO


def test_of_sources_that_differ_now_the_latest_before_the_use_counts_and_is_named() -> None:
    bindings = Bindings()
    answered(bindings, 2, {"id": OLD}, {"id": ONE})
    answered(bindings, 5, {"id": OLD}, {"id": TWO})
    assert told(bindings, f"/orders/{OLD}", 4) == (f"/orders/{ONE}", ["chained from exchange 2 $.id"])
    assert told(bindings, f"/orders/{OLD}", 6) == (
        f"/orders/{TWO}",
        ["chained from exchange 5 $.id, the latest source before it (others differ: exchange 2 $.id)"],
    )
    assert [one.live for one in bindings.candidates(OLD)] == [ONE, TWO]


def test_the_choice_does_not_depend_on_which_answer_came_first() -> None:
    bindings = Bindings()
    answered(bindings, 5, {"id": OLD}, {"id": TWO})
    answered(bindings, 2, {"id": OLD}, {"id": ONE})
    assert told(bindings, f"/orders/{OLD}", 4)[0] == f"/orders/{ONE}"
    assert told(bindings, f"/orders/{OLD}", 6)[0] == f"/orders/{TWO}"
    assert bindings.live(OLD) == TWO


def test_both_live_values_lead_back_to_the_recorded_one() -> None:
    bindings = Bindings()
    answered(bindings, 2, {"id": OLD}, {"id": ONE})
    answered(bindings, 5, {"id": OLD}, {"id": TWO})
    assert bindings.backward.apply(f"{ONE} {TWO}")[0] == f"{OLD} {OLD}"


def test_candidates_are_bounded() -> None:
    bindings = Bindings()
    for number in range(50):
        bindings.bind(Binding(OLD, f"live_{number:06}", "", order=number))
    assert [one.order for one in bindings.candidates(OLD)] == [*range(42, 50)]
    assert bindings.recorded("live_000000") is None


def test_what_a_client_says_is_its_own_in_the_calls_made_meanwhile() -> None:
    bindings = Bindings()
    apply(bindings, request("PUT", f"/orders/{OLD}", {"by": "client"}), before=1)
    assert not settle(bindings, Binding(OLD, ONE, "the call to payments"), "")
    assert settle(bindings, Binding(TWO, ONE, "the call to payments"), "")


def test_who_said_it_first_does_not_depend_on_which_answer_came_first() -> None:
    bindings = Bindings()
    apply(bindings, request(target=f"/orders/{OLD}"), before=4)  # sent before the answer to 2 was there
    absorb(
        bindings, request("POST", "/orders", {}), response(201, {"id": OLD}), response(201, {"id": ONE}), "exchange 2",
        at=NOW, order=2,
    )  # fmt: skip
    assert told(bindings, f"/orders/{OLD}", 5)[0] == f"/orders/{ONE}"


def test_of_two_live_values_in_one_answer_the_first_counts_and_the_other_is_named() -> None:
    bindings = Bindings()
    answered(bindings, 2, {"id": OLD, "ref": OLD}, {"id": ONE, "ref": TWO})
    assert told(bindings, f"/orders/{OLD}", 3) == (
        f"/orders/{ONE}",
        ["chained from exchange 2 $.id (the first of two that differ now; the other: exchange 2 $.ref)"],
    )


def test_a_list_in_another_order_is_no_ambiguity() -> None:
    bindings = Bindings()
    second = OLD.replace("3", "4")
    answered(bindings, 1, {"id": OLD}, {"id": ONE})
    answered(bindings, 2, {"id": second}, {"id": TWO})
    answered(bindings, 3, [OLD, second], [TWO, ONE], request(target="/orders"))
    assert told(bindings, f"/orders/{OLD}", 4) == (f"/orders/{ONE}", ["chained from exchange 1 $.id"])


def test_two_tokens_that_became_one_are_both_bound() -> None:
    """Signed in one second for one person: recorded across the second's end, replayed within it."""

    def token(issued: int) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"sub": "7", "iat": issued}).encode()).rstrip(b"=").decode()
        return f"eyJhbGciOiJIUzI1NiJ9.{claims}.dGVzdA{issued}"

    bindings = Bindings()
    first, second, live = token(1_780_000_000), token(1_780_000_001), token(1_790_000_000)
    answered(bindings, 1, {"accessToken": first}, {"accessToken": live})
    answered(bindings, 2, {"accessToken": second}, {"accessToken": live})
    for recorded in (first, second):
        asked = request(target="/mine", headers=((b"Authorization", f"Bearer {recorded}".encode()),))
        sent, _ = apply(bindings, asked, before=3)
        assert (b"Authorization", f"Bearer {live}".encode()) in sent.headers
