"""Ids of requests and traces in headers: what their format fixes beside the random part."""

from __future__ import annotations

import re

from diffing.rulebook import builtins
from diffing.values.generated import is_nothing, looks_generated
from diffing.values.volatile import shape_of

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{2})((?:-.*)?)")
_B3 = re.compile(r"([0-9a-f]{16}(?:[0-9a-f]{16})?)-[0-9a-f]{16}(?:-([01d]))?(-[0-9a-f]{16})?")
_COUNTED = re.compile(r"(?:x-)?(?:request|correlation|trace|span)-id|x-datadog-(?:trace|parent)-id|x-b3-.*")
_DECISIONS = frozenset("x-b3-sampled x-b3-flags x-datadog-origin x-datadog-sampling-priority".split())
_FIELDS = re.compile(r"([A-Za-z][\w-]*)=([^;,]*)")


def same_trace(old: str, new: str) -> bool | None:
    """Whether two trace contexts agree in what is not random; None when ``old`` is none.

    traceparent: version and flags (W3C Trace Context); b3: lengths and the sampling decision; X-Amzn-Trace-Id and the
    like: the names of their fields.
    """
    for pattern in (_TRACEPARENT, _B3):
        one = pattern.fullmatch(old)
        if one is None:
            continue
        other = pattern.fullmatch(new)
        if other is None:
            return False
        if pattern is _TRACEPARENT:
            return one.groups() == other.groups()
        return len(one[1]) == len(other[1]) and one[2] == other[2] and bool(one[3]) == bool(other[3])
    if "=" in old.rstrip("=") and (fields := _FIELDS.findall(old)):
        found = _FIELDS.findall(new)
        return [name for name, _ in fields] == [name for name, _ in found] and all(
            bool(value) == bool(other) for (_, value), (_, other) in zip(fields, found, strict=True)
        )
    return None


def trace_of(value: str) -> str:
    """What must be passed on of a trace context: the trace's id; of any other value all of it."""
    match = _TRACEPARENT.fullmatch(value)
    if match is not None:
        return value.split("-")[1]
    match = _B3.fullmatch(value)
    if match is not None:
        return match[1]
    root = re.search(r"\bRoot=([^;,]+)", value)
    return root[1] if root is not None else value


def judge_request_id(name: str, old: str, new: str) -> bool | None:
    """Whether two unequal values of header ``name`` are ids of a request or a trace of one form; None: they are none.

    ``X-Operation-Id: refundOrder`` has the name, but says something; ``X-B3-Sampled: 1`` is a decision.
    """
    if builtins.REQUEST_ID.fullmatch(name) is None or name in _DECISIONS:
        return None
    if is_nothing(new):
        return False
    trace = same_trace(old, new)
    if trace is not None:
        return trace
    if old.isdigit():
        counted = len(old) >= 10 or _COUNTED.fullmatch(name) is not None
        return (new.isdigit() and abs(len(old) - len(new)) <= 2) if counted else None
    if looks_generated(old):
        return same_form(old, new) and (looks_generated(new) or len(old) == len(new)) and _same_letters(old, new)
    shape = shape_of(old)
    if shape is None or shape.kind in ("token", "prefixed-id", "reference"):
        return None
    return same_form(old, new)


def _same_letters(old: str, new: str) -> bool:
    """Whether a hexadecimal id is still one, and a longer one still has digits."""
    bare = [re.sub(r"[^A-Za-z0-9]", "", side) for side in (old, new)]
    hexadecimal = [re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", side) is not None for side in bare]
    return hexadecimal[1] or not hexadecimal[0]


def same_form(old: str, new: str) -> bool:
    """Whether two opaque ids may come from one generator: the same shape, or about the same length."""
    trace = same_trace(old, new)
    if trace is not None:
        return trace
    one, other = shape_of(old), shape_of(new)
    if one is not None and other is not None and one.strong and other.strong:
        return one.kind == other.kind and (one.kind != "uuid" or one.facets == other.facets)
    if (one is not None and one.kind == "uuid") != (other is not None and other.kind == "uuid"):
        return False
    return bool(new) and max(len(old), len(new)) <= 1.5 * min(len(old), len(new)) + 2


def same_etag(old: str, new: str) -> bool | None:
    """Whether two entity tags are both weak or both strong; None: neither is one (RFC 9110, 8.8.3).

    What stands between the quotes is opaque to clients: another digest is no drift, none at all is one. Bare ones are
    told by their quotes.
    """
    one, other = (re.fullmatch(r'(W/)?"([^"]*)"', value) for value in (old, new))
    if one is None or other is None:
        return None if one is other is None else False
    return one[1] == other[1] and bool(one[2]) == bool(other[2])
