"""Makes exchanges of what the JSON files of the probes say; see :mod:`tests.diffing.test_probes`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from captures.model import Cause, CauseHow, Direction, Exchange, Headers, Request, Response, Timing
from tests.diffing.pairs import NOW, THEN, exchange
from tests.diffing.probes.fresh import Fresh
from tests.diffing.probes.verdicts import Pair, Verdict, judge_pairs

JSON_TYPE = "application/json"
DEPENDENCY = "payments"


def judge_probe(probe: Mapping[str, Any]) -> Verdict:
    """Judge a probe of a JSON file."""
    running = tuple(probe["running"]) if "running" in probe else None
    if "exchanges" in probe:
        made = Fresh(0), Fresh(1)
        return judge_pairs([_pair({**probe, **told}, made) for told in probe["exchanges"]], (), running)
    pair = _pair(probe, None)
    return judge_pairs([pair], _samples(probe, pair.recorded), running)


def _pair(told: Mapping[str, Any], made: tuple[Fresh, Fresh] | None) -> Pair:
    recorded, replayed = (_exchange(told, side, made) for side in (0, 1))
    calls = tuple(_calls(told, side, made) for side in (0, 1))
    return Pair(recorded, replayed, (calls[0], calls[1]))


def _exchange(told: Mapping[str, Any], side: int, made: tuple[Fresh, Fresh] | None) -> Exchange:
    def of(key: str, default: Any, source: Mapping[str, Any] = told) -> Any:
        value = _side(source.get(key, default), side)
        return made[side].filled(value) if made else value

    request = told.get("request", {})
    if isinstance(request, str):
        method, _, target = request.partition(" ")
        request = {"method": method, "target": target}
    one = exchange(
        encoded(of("body", "") if "body" in told else told.get("replayed" if side else "recorded", "")),
        replayed=bool(side),
        headers=headers_of(of("headers", {}), of("content_type", JSON_TYPE)),
        status=of("status", 200),
        target=of("target", "/things", request),
        method=of("method", "GET", request),
        sent=encoded(of("body", "", request)),
        sent_headers=headers_of(of("headers", {}, request), of("content_type", JSON_TYPE, request)),
    )
    assert one.response is not None
    return replace(one, response=replace(one.response, trailers=headers_of(of("trailers", {}), "")))


def _calls(told: Mapping[str, Any], side: int, made: tuple[Fresh, Fresh] | None) -> tuple[Exchange, ...]:
    """``calls`` is a list for each side; in a probe of fresh values one list for both."""
    given = told.get("calls", [])
    if made:
        given = [made[side].filled(one) for one in given]
    elif given:
        given = given[side]
    return tuple(outbound(one, n, replayed=bool(side)) for n, one in enumerate(given, 1))


def outbound(told: Mapping[str, Any], n: int, *, replayed: bool) -> Exchange:
    """The ``n``-th call to a dependency: ``POST https://payments/charges`` unless ``told`` says otherwise."""
    at = (NOW if replayed else THEN) + told.get("after", 0)
    method, _, target = told.get("request", "POST /charges").partition(" ")
    kind = told.get("content_type", JSON_TYPE) if "body" in told else ""
    scheme, _, host = told.get("to", f"https://{DEPENDENCY}").partition("://")
    request = Request(
        method,
        scheme,
        host,
        443 if scheme == "https" else 80,
        target.encode(),
        headers_of(told.get("headers", {}), kind),
        encoded(told.get("body", "")),
    )
    return Exchange(
        id=n + (2_000 if replayed else 1_000),
        direction=Direction.OUTBOUND,
        request=request,
        response=Response(200, ((b"Content-Type", JSON_TYPE.encode()),), b"{}"),
        timing=Timing(at, at, at + 0.01, at + 0.01),
        dependency=told.get("dependency", DEPENDENCY),
        cause=Cause(CauseHow.WINDOW, 1, ""),
        replay_of=n + 1_000 if replayed else None,
    )


def _samples(probe: Mapping[str, Any], like: Exchange) -> list[Exchange]:
    """Further recorded answers: JSON bodies, or ``{"times": 12, "body": …}``."""
    bodies: list[Any] = []
    for sample in probe.get("samples", ()):
        bodies.extend([sample["body"]] * sample["times"] if set(sample) == {"times", "body"} else [sample])
    assert like.response is not None
    return [
        replace(
            like,
            id=10 + n,
            request=replace(like.request, target=like.request.target + b"?sample=%d" % n),
            response=replace(like.response, body=encoded(body)),
        )
        for n, body in enumerate(bodies)
    ]


def encoded(body: Any) -> bytes:
    """The bytes of a body: text as it stands, ``{"$hex": …}``, or any other JSON value written out."""
    if isinstance(body, dict) and set(body) == {"$hex"}:
        return bytes.fromhex(body["$hex"])
    body = built(body)
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def headers_of(told: Mapping[str, Any], content_type: str) -> Headers:
    """Headers in the order told; a list that holds no ``$`` value stands for the header given several times."""
    pairs = [("Content-Type", content_type)] if content_type else []
    for name, value in told.items():
        several = value if isinstance(value, list) else [value]
        pairs.extend((name, str(built(one))) for one in several)
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def built(value: Any) -> Any:
    """``value`` with every ``$`` object replaced by the text it describes.

    ``{"$base64": value}`` · ``{"$jwt": claims, "header": …, "signature": …}`` · ``{"$signed": value, "rest": …}``: the
    cookie of a framework that writes ``base64url(JSON).time.signature`` · ``{"$joined": [value, …]}``: one text ·
    ``{"$json": value}``: JSON in a string.
    """
    if isinstance(value, list):
        return [built(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$joined" in value:
        return "".join(str(built(one)) for one in value["$joined"])
    if "$json" in value:
        return json.dumps(value["$json"])
    if "$base64" in value:
        return base64.b64encode(_text(value["$base64"])).decode()
    if "$signed" in value:
        return f"{_base64url(value['$signed'])}.{value.get('rest', SIGNATURE)}"
    if "$jwt" in value:
        header = value.get("header", {"alg": "HS256", "typ": "JWT"})
        signature = value.get("signature", "c2lnbmF0dXJlLWFhYQ")
        return f"{_base64url(header)}.{_base64url(value['$jwt'])}.{signature}"
    return {name: built(one) for name, one in value.items()}


SIGNATURE = "ZzXqAQ.b3f9kQ92jLmZpT4wx8f3kQ92jLm"


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _base64url(value: Any) -> str:
    return base64.urlsafe_b64encode(_text(value)).rstrip(b"=").decode()


def _side(value: Any, side: int) -> Any:
    """One value for both sides, or ``{"recorded": …, "replayed": …}``."""
    if isinstance(value, dict) and set(value) == {"recorded", "replayed"}:
        return value["replayed" if side else "recorded"]
    return value
