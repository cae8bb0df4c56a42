"""An :class:`Exchange` out of a row of ``exchange``; messages both ways. How it is written: ``captures.packing``."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from captures.columns import EXCHANGE, MESSAGE, SESSION, check_meta, check_time, check_types, json_object
from captures.heads import HeadReader, load_headers
from captures.model import (
    Cause,
    CauseHow,
    Direction,
    Exchange,
    Failure,
    FailureKind,
    Message,
    Request,
    Response,
    Session,
    Skipped,
    Timing,
)

_DIRECTIONS = {one.value: one for one in Direction}  # calling an Enum takes three times as long
_HOWS = {one.value: one for one in CauseHow}
_KINDS = {one.value: one for one in FailureKind}

COLUMNS = tuple(EXCHANGE)

SELECT = (
    "SELECT "
    + ", ".join(f"e.{column}" for column in COLUMNS)
    + ", q.codec AS q_codec, q.data AS q_data, q.size AS q_size, p.codec AS p_codec, p.data AS p_data, p.size AS p_size"
    " FROM exchange e LEFT JOIN body q ON q.id = e.request_body LEFT JOIN body p ON p.id = e.response_body"
)

INSERT_MESSAGE = f"INSERT INTO message ({', '.join(MESSAGE)}) VALUES ({', '.join('?' * len(MESSAGE))})"

SELECT_MESSAGE = (
    f"SELECT {', '.join(f'm.{column}' for column in MESSAGE)}, b.codec, b.data, b.size"
    " FROM message m LEFT JOIN body b ON b.id = m.body"
)


def from_row(columns: Sequence[Any], request_body: bytes, response_body: bytes, heads: HeadReader) -> Exchange:
    """The exchange of a row of :data:`SELECT`, its bodies already decompressed, its header lists out of ``heads``.

    Raises ``ValueError`` for a row that holds what no recording has in that place.
    """
    check_types("exchange", tuple(map(type, columns)))
    (
        identity, session, direction, protocol, dependency, caused_by, cause_how, cause_evidence, replay_of,
        method, scheme, host, port, target, request_version, request_head, request_headers, _, request_trailers,
        status, reason, response_version, response_head, response_headers, _, response_trailers,
        failure, failure_detail, body_truncated, connection, started, request_done, response_started, ended, notes,
        *_,
    ) = columns  # fmt: skip
    check_time("a row of exchange", started, request_done, response_started, ended)
    if direction not in _DIRECTIONS or (cause_how and cause_how not in _HOWS) or (failure and failure not in _KINDS):
        raise ValueError("a row of exchange has a direction, a cause or a failure that there is not")
    response = None
    if status is not None:
        if not 0 <= status <= 999:
            raise ValueError("exchange.status is no HTTP status")
        response = Response(
            status,
            heads.read(response_head, response_headers),
            response_body,
            raw("reason", reason or ""),
            load_headers(response_trailers) if response_trailers else (),
            response_version,
        )
    return Exchange(
        id=identity,
        session=session,
        direction=_DIRECTIONS[direction],
        protocol=protocol,
        dependency=dependency,
        cause=Cause(_HOWS[cause_how], caused_by, cause_evidence or "") if cause_how else None,
        replay_of=replay_of,
        request=Request(
            method,
            scheme,
            host,
            port,
            raw("target", target),
            heads.read(request_head, request_headers),
            request_body,
            load_headers(request_trailers) if request_trailers else (),
            request_version,
        ),
        response=response,
        failure=Failure(_KINDS[failure], failure_detail or "") if failure else None,
        body_truncated=bool(body_truncated),
        connection=connection,
        timing=Timing(started, request_done, response_started, ended),
        notes=json_object("exchange.notes", notes) if notes != "{}" else {},  # orjson refuses halves of characters
    )


def to_message_row(message: Message, body: int | None) -> tuple[object, ...]:
    """The row for :data:`INSERT_MESSAGE`; the body is given as an id of the ``body`` table."""
    return (message.exchange, message.seq, int(message.from_client), message.kind, message.at, body)


def from_message_row(columns: Sequence[Any], body: bytes) -> Message:
    """The message of a row of :data:`SELECT_MESSAGE`, its body already decompressed. Raises ``ValueError``."""
    check_types("message", tuple(map(type, columns)))
    exchange, seq, from_client, kind, at, *_ = columns
    check_time("a row of message", at)
    return Message(exchange, seq, bool(from_client), kind, at, body)


def raw(column: str, text: str) -> bytes:
    """The bytes that a text column keeps as latin-1. Raises ``ValueError`` where it holds anything else."""
    try:
        return text.encode("latin-1")
    except (UnicodeEncodeError, AttributeError) as error:
        raise ValueError(f"exchange.{column} holds characters that are no bytes") from error


def to_session(row: Mapping[str, Any] | sqlite3.Row) -> Session:
    """The session of a row of the ``session`` table. Raises ``ValueError`` as :func:`from_row` does."""
    values = {column: row[column] for column in SESSION}
    check_types("session", tuple(map(type, values.values())))
    check_time("a row of session", values["started"], values["ended"])
    meta = json_object("session.meta", values["meta"])
    check_meta(meta)
    return Session(**{**values, "meta": meta})


def to_skipped(exchange: object, reason: object) -> Skipped:
    """What a row of the ``skipped`` table says. Raises ``ValueError`` as :func:`from_row` does."""
    if not isinstance(exchange, int) or not isinstance(reason, str):
        raise ValueError("a row of skipped names no exchange or no reason")
    return Skipped(exchange, reason)
