"""Secrets that a pin says literally: places and counts, never values. Matchers, references and variables are none.

A pseudonym has the shape of what it stands for. With the recorder's key it is known by its seal; without, by what the
pin itself notes under ``source: pseudonyms:``, how many stood where when it was made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from captures.model import Direction, Exchange, Request, Response, Timing
from captures.redacting.redaction import Redactor
from replayer import pin_bodies, pin_notation
from replayer.pin_notation import Slot
from replayer.pin_send import addressed, headers_to_send
from replayer.pins import Body, Pin, PinRequest, PinResponse

HOST = "http://pin.invalid"
_SCHEME = re.compile(r"([A-Za-z-]+ )?«[^»]*»")  # Bearer «the token»


def secrets_in(pin: Pin, redactor: Redactor) -> Mapping[str, int]:
    """By place (``request.header authorization``, ``stub payments request.body $.card``): what is too much there."""
    standing, unsealed = _counted(pin, redactor)
    noted = pin.source.get("pseudonyms")
    known = noted if isinstance(noted, Mapping) else {}
    excess = {place: min(count, standing[place] - _number(known.get(place))) for place, count in unsealed.items()}
    return {place: count for place, count in excess.items() if count > 0}


def pseudonyms_of(pin: Pin, redactor: Redactor) -> Mapping[str, int]:
    """What a pin just made of redacted exchanges has to note."""
    return dict(sorted(_counted(pin, redactor)[0].items()))


def _counted(pin: Pin, redactor: Redactor) -> tuple[Counter[str], Counter[str]]:
    """All that looks like a secret, and that part of it which bears no seal of the redactor's key; by place."""
    standing: Counter[str] = Counter()
    unsealed: Counter[str] = Counter()
    for where, exchange in _exchanges(pin):
        found = redactor.inspect(exchange)
        for counts, sums in ((found.counts, (standing, unsealed)), (found.pseudonyms, (standing,))):
            for place, count in counts.items():
                for one in sums:
                    one[f"{where}{place}"] += count
    return standing, unsealed


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _exchanges(pin: Pin) -> Iterator[tuple[str, Exchange]]:
    yield "", exchange_of(pin.request, pin.expect)
    for stub in pin.stubs:
        yield f"stub {stub.dependency} ", exchange_of(stub.request, stub.response)
    for number, step in enumerate(pin.setup, 1):
        yield f"setup step {number} ", exchange_of(step.request, None)
        for stub in step.stubs:
            yield f"setup step {number} stub {stub.dependency} ", exchange_of(stub.request, stub.response)


def exchange_of(asked: PinRequest, answered: PinResponse | None) -> Exchange:
    """What a pin says literally of a request and its answer, as an exchange; matchers and references are left out."""
    response = None
    if answered is not None:
        headers = _headers(answered.headers)
        response = Response(answered.status, headers, _body(answered.body, headers))
    return Exchange(1, Direction.INBOUND, _request(asked), Timing(0.0), response)


def _request(asked: PinRequest) -> Request:
    target = _literal(asked.target)
    headers = _headers(asked.headers)
    return addressed(asked.method, target if "://" in target else HOST + target, headers, _body(asked.body, headers))


def _headers(lines: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    literal = [(name, _literal(text)) for name, text in lines if not _SCHEME.fullmatch(text)]
    return headers_to_send(tuple(literal), {}, {})


def _body(body: Body, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    value = _plain(body.value) if body.form in ("json", "text") else body.value
    if body.form == "text" and not isinstance(value, str):
        return b""  # a matcher stands for all of it
    try:
        return pin_bodies.wire(Body(body.form, value, body.layout), headers)
    except ValueError:
        return b""  # a charset that cannot carry it: sending it says so


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, str):
        return None if pin_notation.whole(value) is not None else _literal(value)
    return value


def _literal(text: str) -> str:
    """``text`` without its slots."""
    return "".join("" if isinstance(part, Slot) else part for part in pin_notation.parse(text))
