"""Trace and request ids in headers, and when two of them name one trace across formats. Pure.

W3C Trace Context (https://www.w3.org/TR/trace-context/, 3.2), B3 single and multi (https://github.com/openzipkin/
b3-propagation), Jaeger, AWS X-Ray, Google Cloud Trace, Datadog, OpenTracing, Instana, Elastic APM, Sentry; and request
and correlation ids. ``tracestate`` names no trace by itself (it is only valid beside ``traceparent``), and ``baggage``
holds whatever an application puts there: what stands in it counts as any other value does (``captures.identities``).

A gateway or a library may take a trace in by one format and pass it on by another, and some formats hold 64 bits where
others hold 128: the low 64 bits are what they have in common.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from captures.model import Headers

REQUEST_IDS = (
    b"x-request-id", b"x-correlation-id", b"request-id", b"correlation-id", b"x-amz-request-id", b"x-trace-id",
    b"x-transaction-id",
)  # fmt: skip
INJECTED = b"traceparent"

Trace = tuple[str, str]
"""``(kind, id)``; the kind is the header's name in lower case, B3 being one kind in both of its forms."""

_HEX = re.compile(r"[0-9a-f]{1,32}")


def _w3c(text: str) -> str:
    parts = text.split("-")
    return parts[1].lower() if len(parts) >= 4 and len(parts[1]) == 32 else ""


def _b3(text: str) -> str:
    return text.split("-")[0].lower() if "-" in text else ""  # alone it only says whether to sample: "0", "1", "d"


def _root(text: str) -> str:
    roots = (part.strip()[5:] for part in text.split(";") if part.strip().lower().startswith("root="))
    return next(roots, "")


_FORMS: dict[bytes, tuple[str, Callable[[str], str]]] = {
    b"traceparent": ("traceparent", _w3c),
    b"elastic-apm-traceparent": ("traceparent", _w3c),
    b"b3": ("b3", _b3),
    b"x-b3-traceid": ("b3", str.lower),
    b"uber-trace-id": ("uber-trace-id", lambda text: text.split(":")[0].lower()),
    b"x-datadog-trace-id": ("x-datadog-trace-id", str),
    b"x-amzn-trace-id": ("x-amzn-trace-id", _root),
    b"x-cloud-trace-context": ("x-cloud-trace-context", lambda text: text.split("/")[0].lower()),
    b"sentry-trace": ("sentry-trace", lambda text: text.split("-")[0].lower()),
    b"ot-tracer-traceid": ("ot-tracer-traceid", str.lower),
    b"x-instana-t": ("x-instana-t", str.lower),
    **{name: (name.decode(), str) for name in REQUEST_IDS},
}
_TRACES = frozenset(kind for name, (kind, _) in _FORMS.items() if name not in REQUEST_IDS)


def trace_ids(headers: Headers) -> tuple[Trace, ...]:
    """``(kind, id)`` of every trace or request id in ``headers``; equal across a hop that passes them on."""
    found: list[Trace] = []
    for name, value in headers:
        form = _FORMS.get(name) or _FORMS.get(name.lower())
        if form is None:
            continue
        kind, read = form
        identity = read(value.decode("latin-1").strip())
        if identity:
            found.append((kind, identity))
    return tuple(found)


def is_traced(headers: Headers) -> bool:
    """Whether ``headers`` hold the id of a trace, which libraries pass on (a request id they often do not)."""
    return any(kind in _TRACES for kind, _ in trace_ids(headers))


def key_of(trace: Trace) -> Trace:
    """What ``trace`` has in common with the same one in another format: equal for ``traceparent`` and ``b3`` of it."""
    kind, identity = trace
    if kind not in _TRACES:
        return trace
    if kind == "x-datadog-trace-id":
        low = int(identity) & 0xFFFF_FFFF_FFFF_FFFF if identity.isascii() and identity.isdigit() else 0
    else:
        digits = identity.lower()
        if kind == "x-amzn-trace-id":
            digits = digits.partition("-")[2].replace("-", "")
        low = int(digits[-16:], 16) if _HEX.fullmatch(digits) else 0
    return ("trace", f"{low:016x}") if low else trace


def traceparent(random: Callable[[int], bytes]) -> bytes:
    """A new ``traceparent`` that asks for being sampled, as most roots are; ``random`` gives so many random bytes."""
    trace, parent = b"", b""
    while not trace.strip(b"0") or not parent.strip(b"0"):  # all zeros are no ids (Trace Context 3.2.2.3)
        trace, parent = random(16).hex().encode(), random(8).hex().encode()
    return b"00-%s-%s-01" % (trace, parent)
