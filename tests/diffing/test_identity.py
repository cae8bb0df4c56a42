"""Identity over a whole run: several exchanges that share what the run says of its ids."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from captures.model import Headers
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import Finding
from diffing.values.identity import BOUND, Identity, partners
from tests.corpus import each
from tests.diffing.pairs import JSON, NOW, THEN, exchange

A, B, C = "ord_a1b2c3d4e5", "ord_k1k2k3k4k5", "ord_q1w2e3r4t5"
X, Y, Z = "ord_z9y8x7w6v5", "ord_m5n6p7q8r9", "ord_h3j4l5s6d7"


@dataclass(frozen=True)
class Step:
    """One request, and what each side answered."""

    target: str
    recorded: Any
    replayed: Any
    sent: str = ""  # the target that the replay sent, where it is another one
    headers: tuple[str, str] = ("", "")
    method: str = "GET"


def run(*steps: Step, context: Context | None = None) -> list[Finding]:
    """The findings of all steps, each judged with what the whole run says."""
    context = context or Context()
    pairs = []
    for at, step in enumerate(steps, 1):
        sides = []
        for side, body in enumerate((step.recorded, step.replayed)):
            one = exchange(
                json.dumps(body),
                replayed=bool(side),
                target=step.sent or step.target if side else step.target,
                method=step.method,
                headers=JSON + _headers(step.headers[side]),
            )
            sides.append(replace(one, id=at + 100 * side, replay_of=at if side else None))
        pairs.append((sides[0], sides[1]))
    for recorded, _ in pairs:
        learn_recorded(recorded, context)
    for recorded, replayed in pairs:
        learn_pair(recorded, replayed, context)
    return [found for pair in pairs for found in compare_exchange(*pair, context).findings]


def _headers(text: str) -> Headers:
    return tuple(
        (name.encode(), value.strip().encode())
        for name, _, value in (line.partition(":") for line in text.split("\n") if line)
    )


def order(identity: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "status": "paid", **more}


MADE = Step("/orders", order(A), order(X), method="POST")
SAME = [
    [MADE, Step(f"/orders/{A}", order(A), order(X), f"/orders/{X}")],
    [MADE, Step("/search", {"hits": [f"/orders/{A}"]}, {"hits": [f"/orders/{X}"]})],
    [MADE, Step("/audit", {"text": f"order {A} was made"}, {"text": f"order {X} was made"})],
    [MADE, Step("/index", {"by": {A: 1}}, {"by": {X: 1}})],
    [MADE, Step("/next", {}, {}, headers=(f"Location: /orders/{A}", f"Location: /orders/{X}"))],
    [MADE, Step("/next", {}, {}, headers=(f'Link: </orders/{A}>; rel="item"', f'Link: </orders/{X}>; rel="item"'))],
    [MADE, Step("/next", {}, {}, headers=(f"Set-Cookie: order_id={A}", f"Set-Cookie: order_id={X}"))],
    [MADE, Step("/keys", {"key": f"eu-{A}-1"}, {"key": f"eu-{X}-1"})],
    [Step("/things", {"id": 17}, {"id": 21}, method="POST"), Step("/x", {"thing_id": 17}, {"thing_id": 21})],
    [Step("/orders", {"id": 5}, {"id": 7}, method="POST"), Step("/users", {"id": 5}, {"id": 5})],
    [Step("/orders", {"id": n}, {"id": n + 1}, method="POST") for n in range(5, 9)],  # one made more than recorded
]


@each("steps", SAME)
def test_a_consistent_renaming_is_no_difference(steps: list[Step]) -> None:
    assert run(*steps) == []


OTHER = Step(f"/orders/{B}", order(B), order(B))
WRONG = [
    # another recorded object's id, wherever it stands
    ([MADE, OTHER, Step("/search", {"hits": [f"/orders/{A}"]}, {"hits": [f"/orders/{B}"]})], "$.hits[0]"),
    ([MADE, OTHER, Step("/audit", {"text": f"order {A} was made"}, {"text": f"order {B} was made"})], "$.text"),
    ([MADE, OTHER, Step("/x", {"order_id": A}, {"order_id": B})], "$.order_id"),
    ([MADE, OTHER, Step("/x", {}, {}, headers=(f"Location: /orders/{A}", f"Location: /orders/{B}"))], "response.header location"),  # noqa: E501
    ([MADE, OTHER, Step("/x", {}, {}, headers=(f"Set-Cookie: order_id={A}", f"Set-Cookie: order_id={B}"))], "response.cookie order_id"),  # noqa: E501
    # a third one
    ([MADE, MADE, Step("/x", {"order_id": A}, {"order_id": Y})], "$.order_id"),
    # the old one
    ([MADE, Step("/x", {"url": f"/orders/{A}"}, {"url": f"/orders/{A}"})], "$.id"),
    ([MADE, Step(f"/orders/{A}", {"self": f"/orders/{A}", "id": A}, {"self": f"/orders/{A}", "id": X}, f"/orders/{X}")], "$.id"),  # noqa: E501
    # two that became one
    ([MADE, MADE, Step("/orders", order(B), order(X), method="POST")], "$.id"),
    # swapped
    ([OTHER, Step(f"/orders/{C}", order(C), order(C)), Step("/x", {"order_id": B}, {"order_id": C})], "$.order_id"),
    # integers
    ([Step("/users/3", {"id": 3}, {"id": 3}), *[Step("/x", {"user_id": 3}, {"user_id": 4})] * 2], "$.user_id"),
    ([Step("/users/4", {"id": 4}, {"id": 4}), *[Step("/x", {"user_id": 3}, {"user_id": 4})] * 2], "$.user_id"),
    ([Step("/x", {"buyer": {"user_id": 3}, "seller": {"user_id": 4}}, {"buyer": {"user_id": 4}, "seller": {"user_id": 3}}) for _ in "12"], "$.buyer.user_id"),  # noqa: E501
]  # fmt: skip


@each(("steps", "place"), WRONG)
def test_another_objects_id_is_an_error(steps: list[Step], place: str) -> None:
    findings = run(*steps)
    assert {found.class_id for found in findings} == {"response.identity"}
    assert place in {found.path for found in findings}


def test_masking_ids_sees_none_of_it() -> None:
    def masked(value: Any) -> str:
        return re.sub(r"ord_\w+|\d+", "*", json.dumps(value))

    bodies = [steps[-1] for steps, _ in WRONG]
    assert all(masked(step.recorded) == masked(step.replayed) for step in bodies)


def test_a_request_that_is_sent_as_recorded_is_answered_about_the_same_object() -> None:
    found = run(Step("/orders/17", {"id": 17}, {"id": 21}))
    assert [finding.evidence for finding in found] == [
        "the recorded id is what the request sends, and the request still sends it"
    ]


def test_what_the_replay_sent_is_bound_wherever_it_stands() -> None:
    assert not run(Step(f"/orders/{A}", {"self": f"/orders/{A}"}, {"self": f"/orders/{X}"}, f"/orders/{X}"))


def test_a_word_that_the_replay_sent_is_no_id_and_excuses_nothing() -> None:
    asked = Step("/branches/master", {"url": "/branches/master"}, {"url": "/branches/main"}, "/branches/main")
    filtered = Step("/orders?state=open", {}, {}, "/orders?state=closed")
    findings = run(asked, filtered, Step("/orders/7", {"state": "open"}, {"state": "closed"}))
    assert [(found.path, found.class_id) for found in findings] == [
        ("$.url", "response.body.value-changed"),
        ("$.state", "response.body.value-changed"),
    ]


def test_a_word_in_the_body_of_a_request_excuses_nothing_either() -> None:
    context = Context()
    sides = [
        exchange(
            f'{{"role": "{role}"}}', method="POST", sent=f'{{"role": "{role}"}}'.encode(), replayed=role == "admin"
        )
        for role in ("user", "admin")
    ]
    learn_recorded(sides[0], context)
    learn_pair(sides[0], sides[1], context)
    assert [found.path for found in compare_exchange(sides[0], sides[1], context).findings] == ["$.role"]


T, U, V = "x8f3kQ92jLmZpT4wx8f3kQ92", "y8f3kQ92jLmZpT4wx8f3kQ92", "z9f3kQ92jLmZpT4wx8f3kQ93"


def test_one_token_in_two_places_is_one_token_in_the_run() -> None:
    login = Step("/login", {"token": T}, {"token": U}, method="POST")
    assert not run(login, Step("/me", {"session": {"token": T}}, {"session": {"token": U}}))
    (found,) = run(login, Step("/me", {"session": {"token": T}}, {"session": {"token": V}}))
    assert (found.class_id, found.path) == ("response.identity", "$.session.token")
    assert found.evidence == "the recording has one token in both places, the run has two"


def test_two_tokens_may_become_one_that_was_kept() -> None:
    steps = [Step("/token", {"access_token": old}, {"access_token": V}, method="POST") for old in (T, U)]
    assert not run(*steps)


def _jwt(subject: str, issued: int) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": subject, "iat": issued, "exp": issued + 3600})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*texts, hashlib.sha256(f"{subject}{issued}".encode()).hexdigest()[:43]])


def _logins(first: str, second: str, one: str, other: str) -> list[Finding]:
    """Two answers with tokens, which a replay has bound."""
    context = Context()
    context.identity.bind([(first, one), (second, other)])
    answers = [({"accessToken": a}, {"accessToken": b}) for a, b in ((first, one), (second, other))]
    return run(*(Step("/login", a, b, method="POST") for a, b in answers), context=context)


def test_tokens_made_within_one_second_are_one_text() -> None:
    then, now = int(THEN), int(NOW)
    first, second = _jwt("7", then), _jwt("7", then + 1)
    assert _logins(first, second, _jwt("7", now), _jwt("7", now)) == []
    assert _logins(first, first, _jwt("7", now), _jwt("7", now + 1)) == []
    other = _logins(first, second, _jwt("7", now), _jwt("8", now))
    assert [finding.path for finding in other] == ["$.accessToken"]


def test_one_renamed_repository_is_one_change_and_what_follows() -> None:
    def repository(name: str) -> dict[str, Any]:
        url = f"https://api.example/repos/acme/{name}"
        links = {f"{kind}_url": f"{url}/{kind}" for kind in ("hooks", "keys", "tags", "forks", "labels")}
        return {"name": name, "full_name": f"acme/{name}", "message": f"Welcome to {name}!", **links}

    old, new = repository("red-shirts"), repository("blue-shirts")
    findings = run(Step("/repos/acme", old, new), Step("/user/repos", [old], [new]))
    assert len(findings) == 16
    sources = {finding.follows for finding in findings}
    assert sources == {"", "GET /repos/acme response.body $.name"}
    (source,) = (finding for finding in findings if not finding.follows)
    assert (source.endpoint, source.path) == ("GET /repos/acme", "$.name")


def test_two_flags_that_changed_alike_are_two_changes() -> None:
    findings = run(Step("/x", {"status": "open", "payment": "open"}, {"status": "done", "payment": "done"}))
    assert [(finding.path, finding.follows) for finding in findings] == [("$.status", ""), ("$.payment", "")]


def test_ids_seen_once_are_forgotten_first_and_it_is_said() -> None:
    identity = Identity(limit=100)
    identity.bind([("sent", "resent")])
    for _ in range(2):
        identity.observe("often", "oftener")
    for n in range(1000):
        identity.observe(f"old{n}", f"new{n}")
    assert len(identity.forward) <= 100
    assert len(identity.backward) <= 100
    assert identity.full
    assert identity.forgotten > 0
    assert (identity.times("sent", "resent"), identity.times("often", "oftener")) == (BOUND, 2)
    assert identity.partner("old999") == "new999"
    assert identity.partner("old0") is None
    assert identity.said() == (
        "More than 100 identifiers: the oldest that were seen only once were forgotten. "
        "What became of them may be reported though it is a renaming."
    )


def test_what_cannot_be_forgotten_is_not_searched_for_again() -> None:
    identity = Identity(limit=10)
    for n in range(40):
        identity.bind([(f"old{n}", f"new{n}")])
    assert identity.full
    assert identity.settled
    assert len(identity.forward) == 10
    assert "those that came last were not noted" in identity.said()
    assert Identity().said() == ""


def test_a_pair_stands_elsewhere_once_it_was_seen_in_places_of_two_kinds() -> None:
    identity = Identity()
    identity.observe(A, X, site=1)
    identity.observe(A, X, site=1)
    assert not identity.elsewhere(A, X)
    identity.observe(A, Y, site=2)
    identity.observe(A, X, site=3)
    assert (identity.elsewhere(A, X), identity.elsewhere(A, Y)) == (True, False)
    identity.observe(A, Y, site=3)
    identity.observe(B, Z, site=1)
    identity.observe(B, Z, site=2)
    identity.observe(B, Z, site=2)
    assert (identity.elsewhere(A, Y), identity.elsewhere(B, Z), identity.elsewhere(B, X)) == (True, True, False)


def test_partners_are_counted_in_every_form_they_are_kept_in() -> None:
    identity = Identity()
    seen = [(A, X)] * 3 + [(B, Y)] + [(C, X)] * 2 + [(C, Z)] * 4
    for pair in seen:
        identity.observe(*pair)
    assert {known: partners(found) for known, found in identity.forward.items()} == {
        A: {X: 3},
        B: {Y: 1},
        C: {X: 2, Z: 4},
    }
    assert {known: partners(found) for known, found in identity.backward.items()} == {
        X: {A: 3, C: 2},
        Y: {B: 1},
        Z: {C: 4},
    }
    assert [identity.times(*pair) for pair in ((A, X), (B, Y), (C, X), (C, Z), (A, Z), ("?", X))] == [3, 1, 2, 4, 0, 0]
    assert [identity.partner(known) for known in (A, B, C)] == [X, Y, Z]
    assert identity.origin(X) == A


def test_where_forgotten_pairs_stood_is_forgotten_with_them() -> None:
    identity = Identity(limit=100)
    for n in range(1000):
        identity.observe(f"old{n}", f"new{n}", site=1)
    identity.observe("old999", "new999", site=2)
    assert len(identity.sites) <= 100
    assert identity.elsewhere("old999", "new999")
