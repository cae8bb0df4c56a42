"""An :class:`Exchange` as a row of the ``exchange`` table, and back: the only place that knows both shapes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping

from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Headers,
    Request,
    Response,
    Session,
    Timing,
)

_SURROGATE = re.compile("[\ud800-\udfff]")

COLUMNS = (
    "id session direction protocol dependency caused_by cause_how cause_evidence replay_of method scheme host port "
    "target request_version request_headers request_body request_trailers status reason response_version "
    "response_headers response_body response_trailers failure failure_detail body_truncated connection started "
    "request_done response_started ended notes"
).split()

INSERT = f"INSERT INTO exchange ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

SELECT = (
    "SELECT "
    + ", ".join(f"e.{column}" for column in COLUMNS)
    + ", q.codec AS q_codec, q.data AS q_data, q.size AS q_size, p.codec AS p_codec, p.data AS p_data, p.size AS p_size"
    " FROM exchange e LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body"
)


def dump_headers(headers: Headers) -> str:
    """JSON text of ``headers``; latin-1 keeps every byte."""
    return json.dumps(
        [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers], ensure_ascii=False
    )


def load_headers(text: str | None) -> Headers:
    """The inverse of :func:`dump_headers`; None is no headers."""
    if not text:
        return ()
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(text))


def to_row(exchange: Exchange, request_body: int | None, response_body: int | None) -> tuple[object, ...]:
    """The row for :data:`INSERT`; the bodies are given as ids of the ``body`` table."""
    request, response, cause, failure, timing = (
        exchange.request,
        exchange.response,
        exchange.cause,
        exchange.failure,
        exchange.timing,
    )
    return (
        exchange.id,
        exchange.session,
        exchange.direction.value,
        exchange.protocol,
        exchange.dependency,
        cause.exchange if cause else None,
        cause.how.value if cause else None,
        cause.evidence if cause else None,
        exchange.replay_of,
        request.method,
        request.scheme,
        request.host,
        request.port,
        request.target.decode("latin-1"),
        request.http_version,
        dump_headers(request.headers),
        request_body,
        dump_headers(request.trailers) if request.trailers else None,
        response.status if response else None,
        response.reason.decode("latin-1") if response else None,
        response.http_version if response else None,
        dump_headers(response.headers) if response else None,
        response_body,
        dump_headers(response.trailers) if response and response.trailers else None,
        failure.kind.value if failure else None,
        failure.detail if failure else None,
        int(exchange.body_truncated),
        exchange.connection,
        timing.started,
        timing.request_done,
        timing.response_started,
        timing.ended,
        _dump_notes(exchange.notes) if exchange.notes else "{}",
    )


def _dump_notes(notes: Mapping[str, object]) -> str:
    text = json.dumps(dict(notes), ensure_ascii=False)
    # A lone surrogate (half a character, out of a JSON body) is no UTF-8: it can be kept as an escape only.
    return text if text.isascii() or not _SURROGATE.search(text) else json.dumps(dict(notes))


def from_row(row: sqlite3.Row, request_body: bytes, response_body: bytes) -> Exchange:
    """The exchange of a row of :data:`SELECT`, its bodies already decompressed."""
    response = None
    if row["status"] is not None:
        response = Response(
            status=row["status"],
            reason=(row["reason"] or "").encode("latin-1"),
            http_version=row["response_version"],
            headers=load_headers(row["response_headers"]),
            body=response_body,
            trailers=load_headers(row["response_trailers"]),
        )
    return Exchange(
        id=row["id"],
        session=row["session"],
        direction=Direction(row["direction"]),
        protocol=row["protocol"],
        dependency=row["dependency"],
        cause=Cause(CauseHow(row["cause_how"]), row["caused_by"], row["cause_evidence"] or "")
        if row["cause_how"]
        else None,
        replay_of=row["replay_of"],
        request=Request(
            method=row["method"],
            scheme=row["scheme"],
            host=row["host"],
            port=row["port"],
            target=row["target"].encode("latin-1"),
            http_version=row["request_version"],
            headers=load_headers(row["request_headers"]),
            body=request_body,
            trailers=load_headers(row["request_trailers"]),
        ),
        response=response,
        failure=Failure(FailureKind(row["failure"]), row["failure_detail"] or "") if row["failure"] else None,
        body_truncated=bool(row["body_truncated"]),
        connection=row["connection"],
        timing=Timing(row["started"], row["request_done"], row["response_started"], row["ended"]),
        notes=json.loads(row["notes"]),
    )


def to_session(row: Mapping[str, object] | sqlite3.Row) -> Session:
    """The session of a row of the ``session`` table."""
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates over values, not keys
    values["meta"] = json.loads(str(values["meta"]))
    return Session(**values)  # type: ignore[arg-type]
