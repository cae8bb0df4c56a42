"""What one request on one connection came to, before it is decided whether it may be sent again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from captures.model import Failure, FailureKind, Response

EXPECT_WAIT = 1.0
"""Seconds a 100 (Continue) is waited for; RFC 9110 10.1.1 has no wait be indefinite, and this is what curl waits."""

Change = dict[str, str]
"""What was not sent as recorded: ``{"where": "header host", "why": "…"}``."""


class Repeat(Enum):
    """Whether the request may go out once more, on another connection."""

    NEVER = auto()
    IDEMPOTENT = auto()  # not a byte of an answer came: safe for idempotent methods (RFC 9110 9.2.2, RFC 9112 9.3.1)
    ALWAYS = auto()  # it was not processed: never sent, REFUSED_STREAM, or past GOAWAY's last stream (RFC 9113 8.7)
    AS_HTTP1 = auto()  # HTTP_1_1_REQUIRED (RFC 9113 7)


@dataclass(slots=True)  # not frozen: one is made for each request, for a moment, and freezing costs twice the time
class Reply:
    """A response, a failure, or a truncated response with its failure."""

    request_done: float | None
    first_byte: float | None
    response: Response | None
    failure: Failure | None
    repeat: Repeat = Repeat.NEVER
    changes: tuple[Change, ...] = ()
    interim: tuple[int, ...] = ()  # statuses of 1xx answers


class DialError(Exception):
    """There is no connection to the target, and of which kind the failure is."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.failure = Failure(kind, detail)


def broken_off(how: str, *, head: bool, begun: bool, what: str = "connection") -> Failure:
    """The failure of an exchange whose ``what`` ended: ``how`` is ``closed`` or ``reset``, perhaps with a reason."""
    if head:
        return Failure(FailureKind.TRUNCATED, f"the {what} was {how} inside the body")
    where = "inside the response head" if begun else "before a response"
    return Failure(FailureKind.RESET, f"the {what} was {how} {where}")


def too_late(seconds: float, *, head: bool) -> Failure:
    """The failure of an exchange that was not complete after ``seconds``."""
    detail = f"no complete answer within {seconds:g} s"
    if head:
        return Failure(FailureKind.TRUNCATED, f"{detail}: the body did not end")
    return Failure(FailureKind.TIMEOUT, detail)


def too_long(limit: int) -> Failure:
    """The failure of an exchange whose response body has more than ``limit`` bytes."""
    return Failure(FailureKind.TRUNCATED, f"the body is longer than {limit} bytes; the rest was not read")
