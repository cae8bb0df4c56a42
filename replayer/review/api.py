"""What the review server answers: the page, its state, and the verbs, as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from captures.errors import RetapeError, UsageError
from captures.visible import visible
from diffing.reports.html import policy
from replayer.review.guard import Guard, Head, Refusal
from replayer.review.server import CLOSED, Answer
from replayer.review.sitting import Replaced, Sitting
from replayer.review.ticket import Ticket

MOST = 100_000  # groups in one request
LONGEST = 500  # characters of a reason, a name

ENTRANCE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>Retape</title></head>
<body><noscript>The review needs scripts.</noscript><script>%s</script></body></html>
"""


@dataclass(frozen=True, slots=True)
class Api:
    """Answers requests that the guard let pass."""

    guard: Guard
    sitting: Sitting
    ticket: Ticket = field(default_factory=Ticket)

    def refusal(self, head: Head) -> Refusal | None:
        """As :meth:`Guard.refusal`; a browser that was started for this comes in with its ticket."""
        return self.guard.misled(head) if self.ticket.fits(head) else self.guard.refusal(head)

    def answer(self, head: Head, body: bytes) -> Answer:
        """Never raises for what was asked wrongly, or cannot be done."""
        if self.guard.invited(head) or self.ticket.taken(head):
            return self._entrance()
        late = self.guard.refusal(head)
        if late is not None:  # another was faster with the ticket
            return Answer(late.status, f"{late.why}\n".encode())
        if head.method != "POST" and head.path == "/":
            return self._page()
        if head.method != "POST" and head.path == "/api/state":
            since = parse_qs(head.target.partition("?")[2]).get("since", [""])[0]
            return self._did(lambda: {"state": self.sitting.state(since)})
        verb = self._verbs().get(head.path) if head.method == "POST" else None
        if verb is None:
            return Answer(HTTPStatus.NOT_FOUND, b"There is no such thing.\n")
        try:
            asked = Asked.of(body)
        except UsageError as error:
            return _json(HTTPStatus.BAD_REQUEST, {"error": error.message, "hint": error.hint})
        return self._did(lambda: verb(asked))

    def _verbs(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        sitting = self.sitting
        return {
            "/api/accept": lambda asked: sitting.accept(asked.groups, asked.reason, asked.author, asked.until),
            "/api/reject": lambda asked: sitting.reject(asked.groups, asked.reason, asked.author),
            "/api/preview": lambda asked: sitting.preview(asked.groups),
            "/api/ignore": lambda asked: sitting.ignore(asked.groups, asked.reason, asked.author),
            "/api/pin": lambda asked: sitting.pin(asked.groups, asked.exchange, asked.side, write=asked.write),
            "/api/undo": lambda _: sitting.undo(),
            "/api/reopen": lambda _: sitting.reopen(),
        }

    def _did(self, act: Callable[[], Mapping[str, Any]]) -> Answer:
        try:
            return _json(HTTPStatus.OK, act())
        except RetapeError as error:
            status = HTTPStatus.CONFLICT if isinstance(error, Replaced) else HTTPStatus.UNPROCESSABLE_ENTITY
            return _json(status, {"error": visible(error.message, lines=True), "hint": visible(error.hint, lines=True)})

    def _page(self) -> Answer:
        try:
            page = self.sitting.page()
        except RetapeError as error:
            said = visible(f"{error.message}\n{error.hint}".strip(), lines=True)
            return Answer(HTTPStatus.CONFLICT, f"{said}\n".encode("utf-8", "backslashreplace"))
        headers = {"Content-Security-Policy": f"{policy(review=True)}; frame-ancestors 'none'"}
        return Answer(HTTPStatus.OK, page, "text/html; charset=utf-8", headers)

    def _entrance(self) -> Answer:
        """Who comes with the token is given the cookie and the key, and goes on to an address without it.

        Not by a redirect: a browser that came by a link on another site would not send a strict cookie along with it.
        """
        keep = f'try {{ localStorage.setItem("retape-review", "{self.guard.key}"); }} catch {{}}'
        script = f'{keep} location.replace("/" + location.hash);'
        digest = base64.b64encode(sha256(script.encode()).digest()).decode("ascii")
        only = f"{CLOSED}; script-src 'sha256-{digest}'"
        headers = {"Set-Cookie": self.guard.cookie, "Content-Security-Policy": only}
        return Answer(HTTPStatus.OK, (ENTRANCE % script).encode(), "text/html; charset=utf-8", headers)


@dataclass(frozen=True, slots=True)
class Asked:
    """The body of a request that acts."""

    groups: tuple[str, ...] = ()
    reason: str = ""
    author: str = ""
    until: str = ""
    exchange: int | None = None
    side: str = "recorded"
    write: bool = False

    @classmethod
    def of(cls, body: bytes) -> Asked:
        """Read. Raises :class:`UsageError` for what is none."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise UsageError("The body is not JSON.") from error
        if not isinstance(data, dict):
            raise UsageError("The body is no JSON object.")
        groups, exchange, side = data.get("groups", []), data.get("exchange"), data.get("side", "recorded")
        if not isinstance(groups, list) or not all(isinstance(name, str) and name for name in groups):
            raise UsageError("groups is a list of fingerprints.")
        if len(groups) > MOST:
            raise UsageError(f"More than {MOST:,} groups in one request.")
        if not (exchange is None or (isinstance(exchange, int) and not isinstance(exchange, bool))):
            raise UsageError("exchange is a number.")
        if side not in ("recorded", "replayed"):
            raise UsageError("side is recorded or replayed.")
        reason, author, until = (_line(data, name) for name in ("reason", "author", "until"))
        names = tuple(dict.fromkeys(groups))
        return cls(names, reason, author, until, exchange, side, data.get("write") is True)


def _line(data: Mapping[str, Any], name: str) -> str:
    """A text of one line, as it goes into a file that people review."""
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST:
        raise UsageError(f"{name} is a text of at most {LONGEST} characters.")
    return " ".join(value.split())


def _json(status: HTTPStatus, data: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(data).encode("ascii"), "application/json")
