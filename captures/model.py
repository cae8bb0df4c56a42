"""What was on the wire, as frozen values: the words of the whole project.

An :class:`Exchange` is one request with its response or its failure. *Inbound*: a client called the service.
*Outbound*: the service called a dependency. A run (the result of a replay) holds exchanges of the same type, each
with ``replay_of`` set to the recorded exchange it answers to.

Forms of values: header names and values, targets and bodies are raw wire bytes. Headers are tuples of pairs in
wire order with their case and duplicates, never a dict. Bodies are what was transferred after transfer coding
(chunking) and before content coding (gzip): ``captures.formats.decoding`` decodes them. Times are Unix seconds (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

Headers = tuple[tuple[bytes, bytes], ...]
"""Header or trailer lines in wire order: ``((b"Host", b"shop"), ...)``."""


class Direction(StrEnum):
    """Which side of the service an exchange was on."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class FailureKind(StrEnum):
    """Why there is no complete response. The stub server plays each back the same way."""

    CONNECT = "connect"  # nothing accepted the connection (refused, no route, name not found)
    TLS = "tls"  # the TLS handshake failed
    RESET = "reset"  # the peer closed or reset before a response head
    TRUNCATED = "truncated"  # head arrived, body broke off; Exchange.response holds what came
    TIMEOUT = "timeout"  # no answer in time
    PROTOCOL = "protocol"  # what came was not HTTP
    ABORTED = "aborted"  # the client went away first


class CauseHow(StrEnum):
    """How an outbound exchange was linked to the inbound one that caused it, strongest first."""

    TRACE_HEADER = "trace-header"  # a propagated trace or request id is equal on both
    WINDOW = "window"  # exactly one inbound exchange was open at that time
    VALUE_FLOW = "value-flow"  # a guess: an id or token stood in this call and in one open request alone
    CONNECTION = "connection"  # a guess: the call before on the same connection was made by this open request
    UNANSWERED = "unanswered"  # a guess: of several, the only open request whose answer had not begun
    AMBIGUOUS = "ambiguous"  # several were open: caused_by is None, the evidence names them
    NONE = "none"  # none was open (start-up, background work)

    @property
    def is_guess(self) -> bool:
        """Whether an exchange is named that may be another: readers are lenient with such links."""
        return self in GUESSES


GUESSES = (CauseHow.VALUE_FLOW, CauseHow.CONNECTION, CauseHow.UNANSWERED)


@dataclass(frozen=True, slots=True)
class Cause:
    """The link from an outbound exchange to the inbound exchange that made it."""

    how: CauseHow
    exchange: int | None  # id of the inbound exchange in the same capture; None for ambiguous and none
    evidence: str  # one human sentence: "traceparent 4bf9…36 seen on both"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in place of (or in the middle of) a response. ``detail`` holds no captured bytes."""

    kind: FailureKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was on the wire."""

    method: str
    scheme: str  # "http" or "https"
    host: str  # where it really went: no port, lower case, IPv6 without brackets
    port: int
    target: bytes  # raw, origin-form ("/a%2Fb?x=1&x=1"): exactly the bytes sent, no normalisation
    headers: Headers = ()
    body: bytes = b""  # content-encoded, de-chunked
    trailers: Headers = ()
    http_version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it was on the wire."""

    status: int
    headers: Headers = ()
    body: bytes = b""  # content-encoded, de-chunked
    reason: bytes = b""
    trailers: Headers = ()
    http_version: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Timing:
    """When each phase happened, Unix seconds; None where it never did. A capture keeps them to the microsecond."""

    started: float  # request head complete
    request_done: float | None = None
    response_started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its response or its failure (a truncated response has both)."""

    id: int  # unique in its capture, grows with time of *start*; see CaptureWriter.reserve_id
    direction: Direction
    request: Request
    timing: Timing
    response: Response | None = None
    failure: Failure | None = None
    session: int = 1
    dependency: str | None = None  # its name for outbound: the --dependency name, else host:port
    cause: Cause | None = None  # outbound only
    replay_of: int | None = None  # in a run: id of the recorded exchange (in the *source* capture)
    protocol: str = "http"  # open for other protocols
    connection: str = ""  # client connection: equal for exchanges that shared one
    body_truncated: bool = False  # a body is stored only in part: the exchange cannot be fully judged
    notes: Mapping[str, Any] = field(default_factory=dict)  # JSON-able. Keys used so far are listed in ARCHITECTURE.md


@dataclass(frozen=True, slots=True)
class Message:
    """One of the many messages of a long exchange, which has a row of its own and is written when it comes.

    ``kind`` and ``body``: *text* and *binary* are WebSocket messages, their fragments joined and deflation taken off,
    *close* is the reason in a close frame; *event* is one server-sent event with the blank line that ends it (content
    codings taken off); *grpc* is one length-prefixed gRPC message with its five bytes of prefix.
    """

    exchange: int  # the id of its exchange
    seq: int  # its place among all messages of the exchange, both directions together, from 1
    from_client: bool
    kind: str  # open, as protocols are
    at: float  # when its last byte came
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Session:
    """One recording (or replay) run inside a capture, with its integrity counters."""

    id: int
    mode: str  # "record", "replay", "import"
    started: float
    ended: float | None  # None: still being written, or it died
    seen: int = 0  # exchanges that reached the writer
    written: int = 0
    dropped: int = 0  # seen and not written: queue full, disk full
    truncated: int = 0  # written with body_truncated
    redaction_key: str | None = None  # fingerprint only
    meta: Mapping[str, Any] = field(default_factory=dict)  # versions, service label, git sha, source capture, command


@dataclass(frozen=True, slots=True)
class Skipped:
    """In a run: a recorded exchange that was not replayed, and why."""

    exchange: int  # id in the source capture
    reason: str


@lru_cache(maxsize=1024)
def lower_name(name: bytes) -> str:
    """A header's name as it is compared: they have no case (RFC 9110, 5.1)."""
    return name.decode("latin-1").lower()


def header(headers: Headers, name: str) -> bytes | None:
    """The first value of ``name`` (any case), or None."""
    wanted = name.lower().encode("latin-1")
    length = len(wanted)
    for key, value in headers:
        if len(key) == length and key.lower() == wanted:
            return value
    return None


def header_values(headers: Headers, name: str) -> tuple[bytes, ...]:
    """Every value of ``name`` (any case) in wire order."""
    wanted = name.lower().encode("latin-1")
    length = len(wanted)
    return tuple([value for key, value in headers if len(key) == length and key.lower() == wanted])


def authority(host: str, port: int | None = None) -> str:
    """``host:port``, or ``host`` alone; IPv6 in brackets (RFC 3986, 3.2.2)."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def host_field(scheme: str, host: str, port: int) -> str:
    """An authority as ``Host`` and ``:authority`` say it: without the port that the scheme stands for."""
    default = {"http": 80, "https": 443}.get(scheme)
    return authority(host, None if port == default else port)


def url_of(request: Request) -> str:
    """A URL for people: default ports left out, the target as sent (latin-1)."""
    shown = host_field(request.scheme, request.host, request.port)
    return f"{request.scheme}://{shown}{request.target.decode('latin-1')}"
