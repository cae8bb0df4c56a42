"""What the page asks over HTTP, what comes back, and what is in the files then."""

from __future__ import annotations

import html
import http.client
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.diffing.shop import play
from tests.replayer.review.conftest import Review

pytestmark = pytest.mark.slow


def written(review: Review, table: str = "approvals") -> list[dict[str, Any]]:
    if not review.rules.exists():
        return []
    found: list[dict[str, Any]] = tomllib.loads(review.rules.read_text(encoding="utf-8")).get(table, [])
    return found


def done(review: Review, path: str, **body: Any) -> Any:
    status, answer = review.ask(path, body)
    assert status == 200, answer
    return answer


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(shared: Review) -> None:
    status, page = shared.ask(f"/?token={shared.guard.token}", Cookie="a=b")
    assert status == 200
    assert b'location.replace("/"' in page
    assert shared.guard.token.encode() not in page
    assert b"drift" not in page
    assert shared.ask("/", Cookie="a=b")[0] == 403
    status, page = shared.ask("/")
    assert status == 200
    assert b"connect-src &#39;self&#39;" in page


def test_the_page_is_served_under_its_own_policy_and_in_no_frame(shared: Review) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=60)
    connection.request("GET", "/", headers={"Cookie": f"{shared.guard.cookie_name}={shared.guard.session}"})
    answer = connection.getresponse()
    page, said = answer.read().decode(), str(answer.getheader("Content-Security-Policy"))
    connection.close()
    own, _, frames = said.rpartition("; ")
    assert frames == "frame-ancestors 'none'"
    assert own in html.unescape(page)
    assert "connect-src 'self'" in own
    assert "unsafe" not in own


def test_what_is_asked_for_without_the_secrets_is_refused(shared: Review) -> None:
    group = shared.groups[0].fingerprint
    for refused in ({"Cookie": ""}, {"X-Retape-Review": ""}, {"Origin": "http://evil.test"}, {"Host": "evil.test"}):
        assert shared.ask("/api/accept", {"groups": [group]}, **refused)[0] == 403
    assert shared.ask("/api/accept", {"groups": [group]}, **{"Content-Type": "text/plain"})[0] == 415
    assert written(shared) == []


@pytest.mark.parametrize(
    ("until", "keys"),
    [("", {}), ("2026-12-31", {"until": "2026-12-31"}), ("re-recorded", {"until": "re-recorded"})],
)
def test_an_acceptance_is_written_and_the_verdict_made_anew(review: Review, until: str, keys: dict[str, str]) -> None:
    groups = [group.fingerprint for group in review.groups]
    before = review.ask("/api/state")[1]["state"]
    assert (before["verdict"], before["exit"], before["undo"]) == ("drift", 1, "")
    said = done(review, "/api/accept", groups=groups[:2], reason="ORD-1182:\n decimal", author="dana", until=until)
    assert said["said"] == "Accepted 2 groups."
    assert said["file"] == "retape.rules.toml"
    assert '+reason = "ORD-1182: decimal"' in said["diff"].splitlines()
    entries = written(review)
    assert [entry["fingerprint"] for entry in entries] == groups[:2]
    assert entries[0]["author"] == "dana"
    assert {name: str(entries[0][name]) for name in keys} == keys
    state = said["state"]
    assert set(state["groups"]) == set(groups[:2])
    assert state["groups"][groups[0]]["said"].startswith("Accepted by dana")
    assert state["verdict"] == "drift"
    done(review, "/api/accept", groups=groups, reason="all", author="dana")
    state = review.ask("/api/state")[1]["state"]
    assert (state["verdict"], state["exit"]) == ("clean", 0)
    assert state["undo"] == f"Accepted {len(groups)} groups"


def test_a_rejection_keeps_failing_with_its_note(review: Review) -> None:
    group = review.groups[0].fingerprint
    said = done(review, "/api/reject", groups=[group], reason="not ours", author="dana")
    assert said["state"]["groups"][group] == {
        "decision": "rejected",
        "said": "Rejected by dana: not ours",
    }
    assert said["state"]["exit"] == 1


def test_a_rule_is_shown_with_what_else_it_would_hide_before_it_is_written(review: Review) -> None:
    assert review.ask("/")[0] == 200
    group = review.named("$.stock")
    seen = done(review, "/api/preview", groups=[group.fingerprint])
    assert seen["rules"] == 1
    assert 'location = "response.body $.stock"' in seen["toml"]
    assert seen["left"] == len(review.groups) - 1
    assert not review.rules.exists()
    said = done(review, "/api/ignore", groups=[group.fingerprint], reason="a count", author="dana")
    assert said["said"] == "Ignored 1 group."
    (rule,) = written(review, "rules")
    assert (rule["reason"], rule["author"]) == ("a count", "dana")
    assert said["state"]["gone"] == [group.fingerprint]
    assert said["state"]["ledger"]["same_by_rule"] > 12
    assert done(review, "/api/undo")["state"]["gone"] == []


def test_what_no_rule_can_say_stays_and_is_said(review: Review) -> None:
    group = review.named("outbound inventory")
    seen = done(review, "/api/preview", groups=[group.fingerprint])
    assert (seen["rules"], len(seen["unsaid"])) == (0, 1)
    status, answer = review.ask("/api/ignore", {"groups": [group.fingerprint]})
    assert status == 422
    assert answer["error"].startswith("No rule was made")


def test_what_was_done_is_undone_in_turn(review: Review) -> None:
    (review.rules).write_text("# ours\n", encoding="utf-8")
    one, two, three = [group.fingerprint for group in review.groups[:3]]
    done(review, "/api/accept", groups=[one], reason="1")
    done(review, "/api/pin", groups=[two], write=True)
    done(review, "/api/accept", groups=[one], reason="1")  # says so already: nothing to undo
    done(review, "/api/reject", groups=[three], reason="3")
    assert len(list((review.folder / "pins").rglob("*.yaml"))) == 1
    assert done(review, "/api/undo")["said"] == "Undone: rejected 1 group."
    assert [entry["fingerprint"] for entry in written(review)] == [one]
    assert done(review, "/api/undo")["said"] == "Undone: pinned 1 exchange."
    assert not (review.folder / "pins").exists() or not list((review.folder / "pins").rglob("*.yaml"))
    answer = done(review, "/api/undo")
    assert answer["diff"].splitlines()[-1].startswith("-")
    assert answer["state"]["undo"] == ""
    assert review.rules.read_text(encoding="utf-8") == "# ours\n"
    status, answer = review.ask("/api/undo", {})
    assert (status, answer["error"]) == (422, "Nothing was changed in this review that could be undone.")


def test_a_file_that_others_edit_meanwhile_is_taken_in_and_nothing_lost(review: Review) -> None:
    one, two = (group.fingerprint for group in review.groups[:2])
    at = review.ask("/api/state")[1]["state"]["at"]
    assert review.ask(f"/api/state?since={at}")[1] == {"state": {"same": True}}
    review.rules.write_text(
        f'# by hand\n[[approvals]]\nfingerprint = "{one}"\ndecision = "accepted"\nreason = "mine"\n', encoding="utf-8"
    )
    state = review.ask(f"/api/state?since={at}")[1]["state"]
    assert state["groups"][one]["decision"] == "accepted"
    done(review, "/api/accept", groups=[two], reason="other")
    text = review.rules.read_text(encoding="utf-8")
    assert text.startswith("# by hand\n")
    assert [entry["fingerprint"] for entry in written(review)] == [one, two]


def test_undo_leaves_what_others_wrote_since(review: Review) -> None:
    done(review, "/api/accept", groups=[review.groups[0].fingerprint], reason="1")
    text = review.rules.read_text(encoding="utf-8") + "# more\n"
    review.rules.write_text(text, encoding="utf-8")
    status, answer = review.ask("/api/undo", {})
    assert status == 422
    assert "was changed since" in answer["error"]
    assert review.rules.read_text(encoding="utf-8") == text


def test_a_rules_file_that_is_broken_meanwhile_is_said_and_left(review: Review) -> None:
    review.rules.write_text("[[approvals\n", encoding="utf-8")
    for path, body in (("/api/state?since=1", None), ("/api/accept", {"groups": [review.groups[0].fingerprint]})):
        status, answer = review.ask(path, body)
        assert status == 422
        assert "not valid TOML" in answer["error"]
    assert review.rules.read_text(encoding="utf-8") == "[[approvals\n"
    review.rules.unlink()
    assert review.ask("/api/state?since=1")[0] == 200


def test_a_run_that_is_replaced_meanwhile_is_said_and_nothing_decided(review: Review, played: Path) -> None:
    group = review.groups[0].fingerprint
    at = review.ask("/api/state")[1]["state"]["at"]
    (review.folder / "run.sqlite").unlink()
    play(3, review.folder / "run.sqlite", frozenset({"type"}), play(1, review.folder / "again.sqlite"))
    status, answer = review.ask("/api/accept", {"groups": [group], "reason": "x"})
    assert status == 409
    assert "replaced" in answer["error"]
    assert written(review) == []
    assert review.ask(f"/api/state?since={at}")[1]["state"]["replaced"]
    state = done(review, "/api/reopen")["state"]
    assert not state["replaced"]
    assert len(review.groups) < 7
    assert review.ask("/")[0] == 200


def test_a_run_that_is_gone_is_said(review: Review) -> None:
    shutil.move(review.folder / "run.sqlite", review.folder / "elsewhere.sqlite")
    assert review.ask("/api/state")[1]["state"]["replaced"]
    status, answer = review.ask("/api/reopen", {})
    assert status == 422
    assert "run.sqlite" in answer["error"]


def test_a_page_is_never_of_two_runs(review: Review) -> None:
    """The run is gone, is exchanged before anybody looked, and is exchanged while somebody looks."""
    run = review.folder / "run.sqlite"
    kept = run.read_bytes()
    run.unlink()
    status, said = review.ask("/")
    assert (status, b"run.sqlite" in said) == (409, True)
    play(3, run, frozenset({"type"}), play(1, review.folder / "again.sqlite"))
    assert review.ask("/")[0] == 200
    assert 0 < len(review.groups) < 7
    page = review.ask("/")[1]
    run.write_bytes(kept)
    assert review.ask("/")[1] == page
    assert review.ask("/api/state")[1]["state"]["replaced"]


@pytest.mark.parametrize("side", ["recorded", "replayed"])
def test_a_pin_is_shown_before_it_is_written(review: Review, side: str) -> None:
    group = review.named("$.stock")
    exchange = group.examples[1].exchange
    asked = {"groups": [group.fingerprint], "exchange": exchange, "side": side}
    (seen,) = done(review, "/api/pin", **asked)["pins"]
    assert not (review.folder / "pins").exists()
    assert ("stock: '1'" in seen["text"]) is (side == "replayed")
    said = done(review, "/api/pin", **asked, write=True)
    assert Path(seen["file"]).read_text(encoding="utf-8") == seen["text"]
    assert f"200-{exchange}" in seen["file"]
    assert said["diff"].startswith("--- /dev/null\n+++ b/")
    (seen,) = done(review, "/api/pin", **asked)["pins"]
    assert seen["there"] == "says so already"
    assert done(review, "/api/pin", **asked, write=True)["said"].endswith("nothing was written.")


def test_a_pin_that_was_edited_is_not_taken_back(review: Review) -> None:
    group = review.named("$.stock").fingerprint
    done(review, "/api/pin", groups=[group], write=True)
    (pin,) = (review.folder / "pins").rglob("*.yaml")
    pin.write_text(pin.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    status, answer = review.ask("/api/undo", {})
    assert status == 422
    assert "was changed since" in answer["error"]
    assert pin.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 5000, 400),
        (b'{"groups": "a3f8c21b9d04"}', 400),
        (b'{"groups": [1]}', 400),
        (b'{"groups": ["a"], "reason": 1}', 400),
        ({"groups": ["a"], "reason": "x" * 501}, 400),
        ({"groups": ["a"], "exchange": True}, 400),
        ({"groups": ["a"], "side": "else"}, 400),
        ({"groups": []}, 422),
        ({"groups": ["000000000000"]}, 422),
        ({"groups": ["<img src=x>"]}, 422),
    ],
)
def test_what_is_asked_wrongly_is_said(shared: Review, body: Any, status: int) -> None:
    got, answer = shared.ask("/api/accept", body)
    assert got == status
    assert answer["error"]
    assert written(shared) == []


def test_a_date_that_is_none_is_said(shared: Review) -> None:
    group = shared.groups[0].fingerprint
    assert shared.ask("/api/accept", {"groups": [group], "until": "soon"})[0] == 422
    assert written(shared) == []


@pytest.mark.parametrize("path", ["/api/", "/api/other", "/api/accept", "/..", "/api/../api/state", "/index.html"])
def test_there_is_nothing_else(shared: Review, path: str) -> None:
    assert shared.ask(path)[0] == 404
