"""Which differences of one exchange the findings speak of: what differs and no finding claims, a rule accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from captures.errors import ConfigError
from captures.jsonpaths import Any_, Place, Step, compile_path
from diffing.model import Finding
from diffing.reports.decided import NOTHING, Decided

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """The findings about one message (an inbound response, or the request of one outbound call)."""

    body: tuple[Steps, ...]
    headers: frozenset[str]  # lower case
    cookies: bool
    ruled: bool  # rules accepted something in this exchange; without any, an unclaimed difference is just a difference
    decided: Decided = NOTHING

    @classmethod
    def of(cls, findings: Iterable[Finding], *, side: str, ruled: bool, decided: Decided = NOTHING) -> Claims:
        """``side``: "response" for the inbound response, "request" for an outbound call."""
        body: list[Steps] = []
        headers: set[str] = set()
        cookies = False
        for finding in findings:
            _, found, part = finding.location.partition(f"{side}.")
            if not found or finding.class_id.endswith((".array-order", ".order-lost")):  # which claim no item
                continue
            if part.startswith("body"):
                body.append(_steps(finding.path))
            elif part.startswith("header "):
                headers.add(part.removeprefix("header ").split(" ")[0].lower())
            elif part.startswith("cookie"):
                cookies = True
        return cls(tuple(body), frozenset(headers), cookies, ruled, decided)

    def body_accepted(self, left: Place, right: Place) -> bool:
        """Whether a difference at these exact places was accepted by a rule."""
        return self.ruled and not any(_related(claim, at) for claim in self.body for at in (left, right))

    def header_accepted(self, name: str) -> bool:
        """The same for a header."""
        lower = name.lower()
        return self.ruled and lower not in self.headers and not (self.cookies and lower == "set-cookie")

    def header_words(self, name: str) -> str:
        """Why a rule accepted that the header differs, in words; "" where none is known."""
        cookie = next((said for place, said in self.decided.words.items() if place.startswith("cookie ")), "")
        lower = name.lower()
        return self.decided.words.get(f"header {lower}", cookie if lower == "set-cookie" else "")


def _steps(path: str) -> Steps:
    """The steps of a finding's path; none (the whole body) where it is no JSONPath: better claimed than hidden."""
    start = path.find("$")
    if start < 0:
        return ()
    try:
        return compile_path(path[start:]).steps
    except ConfigError:
        return ()


def _related(claim: Steps, place: Place) -> bool:
    """Whether one stands at, over or under the other."""
    if Any_.DESCENDANTS in claim:
        return True
    return all(step == part or step is Any_.CHILD for step, part in zip(claim, place, strict=False))
