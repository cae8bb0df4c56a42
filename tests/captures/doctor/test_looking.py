"""All checks at once: in order, in time, whatever one of them does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

from captures.doctor.findings import Check, Finding, Outcome, fine, problem, warning
from captures.doctor.looking import look_at_all
from captures.doctor.showing import as_json, as_text, has_problem
from captures.errors import UsageError


def test_one_that_hangs_and_one_that_fails_do_not_take_the_others_along() -> None:
    go_on, both = threading.Event(), threading.Barrier(2)

    def hang() -> Iterable[Finding]:
        go_on.wait(60)
        return []

    def together(name: str) -> Iterable[Finding]:
        both.wait(20)  # they run at once, or never meet
        return [fine(name, "met"), fine(name, "parted")]

    def fail() -> Iterable[Finding]:
        raise ZeroDivisionError("by nothing")

    def refuse() -> Iterable[Finding]:
        raise UsageError("It cannot be.", hint="Do not.")

    found = look_at_all(
        [Check("a", lambda: together("a")), Check("hangs", hang), Check("fails", fail), Check("refuses", refuse),
         Check("b", lambda: together("b"))], 1.0,
    )  # fmt: skip
    go_on.set()
    assert [(one.check, one.outcome) for one in found] == [
        ("a", Outcome.OK), ("a", Outcome.OK), ("hangs", Outcome.WARNING), ("fails", Outcome.PROBLEM),
        ("refuses", Outcome.PROBLEM), ("b", Outcome.OK), ("b", Outcome.OK),
    ]  # fmt: skip
    assert "ZeroDivisionError: by nothing" in found[3].says
    assert found[4].says == "It cannot be."


FOUND = [fine("python", "3.11"), warning("node 20", "reads no proxy", "do this"), problem("port 1", "is taken", "ss")]


def test_the_words_say_it_without_colour() -> None:
    assert as_text(FOUND, 1.25, colour=False).splitlines() == [
        "ok       python   3.11.",
        "warning  node 20  reads no proxy.",
        "                  $ do this",
        "problem  port 1   is taken.",
        "                  $ ss",
        "",
        "1 problem, 1 warning; 3 checks in 1.2 s.",
    ]
    assert "\x1b[" in as_text(FOUND, 1.0, colour=True)
    assert as_text(FOUND[:1], 1.0, colour=False).endswith("All is well; 1 checks in 1.0 s.")


def test_the_same_as_json() -> None:
    value = json.loads(as_json(FOUND))
    assert (value["schema"], value["ok"]) == (1, False)
    assert value["checks"][1] == {
        "check": "node 20", "outcome": "warning", "says": "reads no proxy", "command": "do this"
    }  # fmt: skip
    assert value["checks"][0]["command"] is None
    assert not has_problem(FOUND[:2])
