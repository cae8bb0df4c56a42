"""One header each: what is accepted by which rule, and what is drift of which class."""

from __future__ import annotations

import pytest

from captures.model import Headers
from tests.corpus import each
from tests.diffing.pairs import JSON, exchange, judge

PLAIN = "response.header."


def headers(text: str) -> Headers:
    return tuple(
        (name.encode(), value.strip().encode())
        for name, _, value in (line.partition(":") for line in text.split("\n") if line)
    )


ACCEPTED = [
    ("Date: Fri, 20 Nov 2026 09:00:00 GMT", "Date: Sat, 21 Nov 2026 12:00:00 GMT", "builtin.date"),
    ("Age: 1", "Age: 20", "builtin.timing"),
    ("Server-Timing: db;dur=1", "Server-Timing: db;dur=2", "builtin.timing"),
    ("Connection: close", "", "builtin.hop-by-hop"),
    ("", "Transfer-Encoding: chunked", "builtin.hop-by-hop"),
    ("Content-Length: 2", "", "builtin.content-length"),
    ("X-Request-Id: 3f0c5a527a35", "X-Request-Id: 8d6e6a527a36", "builtin.request-id"),
    ("Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Traceparent: 00-5bf92f3577b34da6a3ce929d0e0e4736-11f067aa0ba902b7-01", "builtin.request-id"),  # noqa: E501
    ('ETag: "abc"', 'ETag: "def"', "builtin.validator"),
    ("ETag: 4a6726f2184d436cacde83fc39a30c1a", "ETag: bfb4aa6d89e94620abded08c1649ded8", "volatile.digest"),
    ("Last-Modified: Fri, 20 Nov 2026 09:00:00 GMT", "Last-Modified: Sat, 21 Nov 2026 12:00:00 GMT", "builtin.validator"),  # noqa: E501
    ("X-RateLimit-Remaining: 59", "X-RateLimit-Remaining: 3", "builtin.rate-limit"),
    ("Allow: GET, HEAD, OPTIONS", "Allow: OPTIONS, GET, HEAD", "builtin.list-order"),
    ("Vary: Cookie, Origin", "Vary: origin,cookie", "builtin.list-order"),
    ("X-A: 1\nX-B: 2", "x-b: 2\nx-a: 1", "builtin.header-form"),
    ("Location: http://127.0.0.1:5000/a", "Location: http://127.0.0.1:6000/a", "builtin.own-host"),
    ("Content-Security-Policy: script-src 'nonce-abc123' x", "Content-Security-Policy: script-src 'nonce-zzz999' x", "builtin.csp-nonce"),  # noqa: E501
    ("Expires: Fri, 20 Nov 2026 10:00:01 GMT", "Expires: Sat, 21 Nov 2026 13:00:01 GMT", "volatile.timestamp"),
    ("Set-Cookie: sid=aB3dE5gH7jK9mN1pQ3; HttpOnly", "Set-Cookie: sid=zB3dE5gH7jK9mN1pQ4; HttpOnly", "volatile.token"),
    ("Set-Cookie: s=a; Expires=Fri, 20 Nov 2026 10:00:01 GMT", "Set-Cookie: s=a; expires=Sat, 21 Nov 2026 13:00:01 GMT", "builtin.cookie-lifetime"),  # noqa: E501
]  # fmt: skip

DRIFT = [
    ("X-Total: 1", "", PLAIN + "removed"),
    ("", "X-Total: 1", PLAIN + "added"),
    ("", "X-Scopes:", PLAIN + "added"),  # empty and absent are two things
    ("X-Scopes:", "", PLAIN + "removed"),
    ("X-Total: 1", "X-Total: 2", PLAIN + "changed"),
    ("X-Total: 1", "X-Total: 1\nX-Total: 1", PLAIN + "changed"),
    ("Date: Fri, 20 Nov 2026 09:00:00 GMT", "Date: yesterday", PLAIN + "format-changed"),
    ("Date: Fri, 20 Nov 2026 09:00:00 GMT", "", PLAIN + "removed"),
    ('ETag: "abc"', 'ETag: W/"def"', PLAIN + "format-changed"),
    ("X-Request-Id: 3f0c5a52-7a35-4f11-9a66-0f8a6f3d1a01", "X-Request-Id: 17", PLAIN + "format-changed"),
    ("Allow: GET, HEAD", "Allow: GET", PLAIN + "changed"),
    ("Cache-Control: no-store", "Cache-Control: max-age=60", "response.header.cache-exposed"),
    ("X-Frame-Options: DENY", "", PLAIN + "security-lost"),
    ("Strict-Transport-Security: max-age=1", "", PLAIN + "security-lost"),
    ("X-Frame-Options: DENY", "X-Frame-Options: SAMEORIGIN", PLAIN + "security-changed"),
    ("Location: http://127.0.0.1:5000/a", "Location: http://127.0.0.1:6000/b", PLAIN + "changed"),
    ("Set-Cookie: sid=a; Secure", "Set-Cookie: sid=a", "response.cookie.security-lost"),
    ("Set-Cookie: sid=a; HttpOnly", "Set-Cookie: sid=a", "response.cookie.security-lost"),
    ("Set-Cookie: sid=a; SameSite=Strict", "Set-Cookie: sid=a; SameSite=None", "response.cookie.security-lost"),
    ("Set-Cookie: sid=a; Path=/", "Set-Cookie: sid=a; Path=/x", "response.cookie.attribute-changed"),
    ("Set-Cookie: sid=a; Max-Age=60", "Set-Cookie: sid=a; Max-Age=61", "response.cookie.attribute-changed"),
    ("Set-Cookie: theme=dark", "Set-Cookie: theme=light", "response.cookie.value-changed"),
    ("Set-Cookie: sid=a", "", "response.cookie.removed"),
    ("", "Set-Cookie: sid=a", "response.cookie.added"),
    ("Set-Cookie: s=a; Expires=Fri, 20 Nov 2026 10:00:01 GMT", "Set-Cookie: s=a; Expires=Sun, 22 Nov 2026 13:00:01 GMT", "response.cookie.attribute-changed"),  # noqa: E501
]  # fmt: skip


@each(("recorded", "replayed", "rule"), ACCEPTED)
def test_accepted_by_a_named_rule(recorded: str, replayed: str, rule: str) -> None:
    judgement = judge(
        exchange("{}", headers=JSON + headers(recorded)),
        exchange("{}", headers=JSON + headers(replayed), replayed=True),
    )
    assert judgement.findings == ()
    assert rule in judgement.rules


@each(("recorded", "replayed", "class_id"), DRIFT)
def test_drift_of_its_class(recorded: str, replayed: str, class_id: str) -> None:
    judgement = judge(
        exchange("{}", headers=JSON + headers(recorded)),
        exchange("{}", headers=JSON + headers(replayed), replayed=True),
    )
    assert [finding.class_id for finding in judgement.findings] == [class_id]


def test_an_echoed_header_must_still_be_echoed() -> None:
    def pair(answer: bytes) -> list[str]:
        sent, resent = ((b"X-Request-Id", value) for value in (b"3f0c5a527a35", b"8d6e6a527a36"))
        judgement = judge(
            exchange("{}", headers=(*JSON, (b"X-Request-Id", b"3f0c5a527a35")), sent_headers=(sent,)),
            exchange("{}", headers=(*JSON, (b"X-Request-Id", answer)), sent_headers=(resent,), replayed=True),
        )
        return [finding.class_id for finding in judgement.findings]

    assert pair(b"8d6e6a527a36") == []
    assert pair(b"ffff6a527a36") == ["response.header.changed"]


@pytest.mark.parametrize(
    ("recorded", "replayed", "classes"),
    [
        (b"application/json", b"application/problem+json", ["response.media-type"]),
        (b"application/json", b"application/json; charset=utf-8", ["response.media-type-parameter"]),
        (b"application/json;charset=UTF-8", b"application/json; charset=utf-8", []),
        (b"application/json", b"text/html", ["response.media-type"]),
    ],
)
def test_media_types(recorded: bytes, replayed: bytes, classes: list[str]) -> None:
    judgement = judge(
        exchange("{}", headers=((b"Content-Type", recorded),)),
        exchange("{}", headers=((b"Content-Type", replayed),), replayed=True),
    )
    assert [finding.class_id for finding in judgement.findings] == classes


@pytest.mark.parametrize("expect", ["any", "regex:HIT|MISS", "string"])
def test_a_rule_on_a_header(expect: str) -> None:
    one = exchange("{}", headers=(*JSON, (b"X-Cache", b"HIT")))
    other = exchange("{}", headers=(*JSON, (b"X-Cache", b"MISS")), replayed=True)
    judgement = judge(one, other, [{"id": "cache", "location": "header X-Cache", "expect": expect}])
    assert (judgement.findings, dict(judgement.rules)) == ((), {"cache": 1})
