"""What a replay is asked to do, and what it came to. Pure values."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from captures.errors import UsageError
from captures.model import Exchange, Headers, Request, header
from captures.selection import Selection
from diffing.rulebook.rules import RuleBook
from replayer.chain_rules import ChainRule
from replayer.credentials import Credentials
from replayer.pacing import Pacing
from replayer.target import Target

MAX_BODY = 64 * 1024 * 1024
"""What a recording keeps of a body as well: a build that answers without end must not take all memory."""


class OnMiss(StrEnum):
    """What a call gets that differs from every recorded one of its inbound exchange in more than volatile values."""

    NEAREST = "nearest"  # the nearest one's answer; the difference is reported
    STRICT = "strict"  # 502


class Exhausted(StrEnum):
    """What a call gets that was recorded n times and is made once more."""

    LAST = "last"  # the last answer again; the extra call is reported
    MISS = "miss"  # 502


class Order(StrEnum):
    """What may be sent before what was recorded earlier. Value flow always counts."""

    RECORDED = "recorded"  # a request that was sent after another had been answered waits for that answer
    SESSION = "session"  # the same among requests of one client (connection, cookie, authorization)
    INDEPENDENT = "independent"  # only value flow, and writes before reads of one resource


class Connections(StrEnum):
    """Which connection towards the build a request goes out on."""

    RECORDED = "recorded"  # requests that shared one share one
    POOLED = "pooled"  # any that is free


class HttpVersion(StrEnum):
    """Which protocol is spoken towards the build."""

    AUTO = "auto"  # the recorded one where the build speaks it, else HTTP/1.1; each change is noted
    ONE = "1.1"
    TWO = "2"


class TierName(StrEnum):
    """How much of a recording is replayed."""

    FULL = "full"  # all of it
    SMOKE = "smoke"  # the fewest exchanges that show everything, those at most risk first


@dataclass(frozen=True, slots=True)
class Tier:
    """Which tier, and what choosing it rests on."""

    name: TierName = TierName.FULL
    limit: int | None = None  # exchanges that are sent, at most
    by_risk: bool = True  # else in recorded order
    past: Mapping[str, float] = field(default_factory=dict)  # drift of earlier runs, 0 to 1 by endpoint
    state: Path | None = None  # the folder in which what was chosen is kept


class Clock(StrEnum):
    """Which time it is for CMD."""

    REAL = "real"
    RECORDED = "recorded"  # the recording's, going on from its beginning


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``index`` of ``count``: whole client connections, so that chains stay together."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``1/4``. Raises :class:`UsageError`."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise UsageError(f"--shard {text} is not i/n with i from 1 to n.", hint="The first of four: --shard 1/4")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def holds(self, exchange: Exchange) -> bool:
        """Whether ``exchange`` belongs to this shard. The same on every machine."""
        chain = exchange.connection or f"exchange {exchange.id}"
        return zlib.crc32(chain.encode()) % self.count == self.index - 1


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """Everything :func:`replayer.run.replay` needs. ``target`` may be left out when ``command`` is given."""

    output: Path
    command: Sequence[str] = ()
    target: Target | None = None
    only: Selection | None = None
    endpoints: Sequence[str] = ()  # explicit path templates, for ``only``
    headers: Headers = ()  # replace recorded ones of the same name
    host: str = "recorded"  # "recorded" or "target": which Host header is sent
    timeout: float = 30.0  # seconds per exchange
    max_body: int = MAX_BODY  # bytes of one answer that are read; of a longer one its beginning is kept
    ready: str | None = None  # a path or URL that must answer below 500; default: the port accepts
    ready_timeout: float = 60.0
    target_ca: Path | None = None
    on_miss: OnMiss = OnMiss.NEAREST
    exhausted: Exhausted = Exhausted.LAST
    timeout_cap: float = 5.0  # seconds a recorded timeout is held at most
    stub_listen: int | None = None  # a fixed port for the stub proxy; without CMD no stubs run unless it is set
    shard: Shard | None = None
    dependencies: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # configured: name -> (URL, variable)
    redaction_key: str | None = None  # as configured
    redaction: Mapping[str, Any] = field(default_factory=dict)  # the section [redact]
    rules_digest: str = ""  # of the configuration in force: shards replayed under another one do not belong together
    concurrency: int = 1  # requests under way at once, at most
    order: Order = Order.RECORDED
    pacing: Pacing = field(default_factory=Pacing)
    connections: Connections = Connections.RECORDED
    http_version: HttpVersion = HttpVersion.AUTO
    stub_latency: float = 0.0  # factor on the recorded time of a stubbed call
    rules: RuleBook = field(default_factory=RuleBook)  # where they let a call differ it still has its stub
    isolate: bool = False
    clock: Clock = Clock.REAL
    baseline_command: Sequence[str] = ()
    baseline_target: Target | None = None
    chains: Sequence[ChainRule] = ()
    arguments: Sequence[Sequence[str]] = ()  # the command line's options, for the run to tell
    auth: Credentials = field(default_factory=Credentials)
    label: str = ""  # what the build is called
    tier: Tier = field(default_factory=Tier)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a replay came to; the run file holds the rest."""

    run: Path
    total: int
    replayed: int
    not_replayed: int
    missed: int  # outbound calls no stub answered
    reasons: tuple[str, ...]  # why it is not conclusive
    interrupted: bool = False
    target_died: bool = False
    lost: str = ""  # what could not be written to the run, and why: perhaps the run itself could not take it down


def reason_to_skip(exchange: Exchange) -> str | None:
    """Why a recorded inbound exchange cannot be replayed, or None."""
    request = exchange.request
    if exchange.protocol != "http":
        return f"its protocol is {exchange.protocol}, and only http is replayed"
    if exchange.response is not None and exchange.response.status == 101:
        return "it switched protocols (WebSocket), which is not replayed"
    if (header(request.headers, "upgrade") or b"").strip().lower() == b"websocket":
        return "it asked for a WebSocket, which is not replayed"
    if request.method == "CONNECT":
        return "it is a tunnel"
    if exchange.notes.get("unscannable"):
        return "the recording could not search it for secrets and kept its head only"
    if exchange.body_truncated and _request_is_partial(exchange):
        return "only a part of its request body was recorded"
    if exchange.timing.request_done is None and exchange.response is None:
        return "its client went away before the request was complete"
    return None


def _request_is_partial(exchange: Exchange) -> bool:
    if "request_body_length" in exchange.notes:
        return True
    if "response_body_length" in exchange.notes:
        return False
    stated = header(exchange.request.headers, "content-length")
    if stated is None:
        return bool(exchange.request.body)
    return stated.strip() != b"%d" % len(exchange.request.body)


def with_headers(request: Request, given: Headers) -> tuple[Headers, list[str]]:
    """``request``'s headers with ``given`` ones in place of those of the same name (or at the end), and the names."""
    headers = list(request.headers)
    names: list[str] = []
    for name, value in given:
        lower = name.lower()
        places = [index for index, (key, _) in enumerate(headers) if key.lower() == lower]
        if places:
            headers[places[0]] = (headers[places[0]][0], value)
            for index in reversed(places[1:]):
                del headers[index]
        else:
            headers.append((name, value))
        names.append(lower.decode("latin-1"))
    return tuple(headers), names
