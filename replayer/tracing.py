"""Fresh trace ids for requests that are under way together, so that each call of the build has one certain cause.

W3C Trace Context (https://www.w3.org/TR/trace-context/, 3.2): a ``traceparent`` is added where there is none. Ids that
were recorded (:mod:`captures.traces` says in which headers) are replaced by new ones of the same form: a client that
sent one id for a whole page would make all of its requests the cause of each call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from captures.model import CauseHow, Exchange, Headers
from captures.traces import REQUEST_IDS
from replayer.desk import Tape
from replayer.rewriting import Change

Randomness = Callable[[int], bytes]
"""So many random bytes; like :func:`secrets.token_bytes`."""

WHY = "a new id, so that calls are laid to this exchange among several under way"

_HEX = re.compile(r"[0-9a-fA-F]{16,32}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_AMAZON = re.compile(r"(Root=1-[0-9a-fA-F]{8}-)([0-9a-fA-F]{24})", re.IGNORECASE)
_HEX_FIRST = frozenset(
    b"b3 x-b3-traceid uber-trace-id x-cloud-trace-context sentry-trace ot-tracer-traceid x-instana-t".split()
)
_LEAST = 8  # letters and digits of a request id that is replaced: of a shorter one there are not enough


def with_fresh_traces(headers: Headers, random: Randomness) -> tuple[Headers, list[Change]]:
    """``headers`` with every trace and request id new, and what was changed."""
    fresh: list[tuple[bytes, bytes]] = []
    changes: list[Change] = []
    traced = False
    for name, value in headers:
        key = name.lower()
        old = value.decode("latin-1").strip()
        new = _renewed(key, old, random) if old else old
        traced = traced or (key == b"traceparent" and new != old)
        fresh.append((name, value if new == old else new.encode("latin-1")))
        if new != old:
            changes.append(Change(f"header {key.decode('latin-1')}", WHY))
    if not traced:
        line = f"00-{_hex(32, random)}-{_hex(16, random)}-01"
        fresh = [pair for pair in fresh if pair[0].lower() != b"traceparent"]  # one that says nothing
        fresh.append((b"traceparent", line.encode()))
        changes.append(Change("header traceparent", "added, so that calls are laid to this exchange among several"))
    return tuple(fresh), changes


def with_injected_trace(headers: Headers, recorded: Exchange) -> tuple[Headers, list[Change]]:
    """``headers`` with the ``traceparent`` that the recorder gave the service beside them (``--inject-trace``)."""
    injected = recorded.notes.get("injected")
    value = injected.get("traceparent") if isinstance(injected, Mapping) else None
    if not isinstance(value, str) or any(name.lower() == b"traceparent" for name, _ in headers):
        return headers, []
    change = Change("header traceparent", "added, as the recorder did")
    return (*headers, (b"traceparent", value.encode("latin-1", "replace"))), [change]


def _renewed(name: bytes, text: str, random: Randomness) -> str:
    if name in (b"traceparent", b"elastic-apm-traceparent"):
        parts = text.split("-")
        if len(parts) < 4 or not re.fullmatch(r"[0-9a-f]{32}", parts[1]):
            return text
        return "-".join([parts[0], _hex(32, random), *parts[2:]])
    if name in _HEX_FIRST:
        first = re.split(r"[-:/]", text, maxsplit=1)[0]
        return _hex(len(first), random) + text[len(first) :] if _HEX.fullmatch(first) else text
    if name == b"x-datadog-trace-id":
        return str(int.from_bytes(random(8), "big") >> 1 | 1 << 62) if text.isdigit() else text
    if name == b"x-amzn-trace-id":
        return _AMAZON.sub(lambda match: match[1] + _hex(24, random), text, count=1)
    if name in REQUEST_IDS:
        return _alike(text, random)
    return text


def _hex(digits: int, random: Randomness) -> str:
    """Random lower-case hexadecimal; never all zeros, which is no id (Trace Context 3.2.2.3)."""
    text = random((digits + 1) // 2).hex()[:digits]
    return text if text.strip("0") else _hex(digits, random)


def _alike(text: str, random: Randomness) -> str:
    """Another id of the form of ``text``: a UUID stays one; letters, digits and what is between keep their places."""
    if _UUID.fullmatch(text):
        raw = random(16).hex()
        fresh = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-{'89ab'[int(raw[16], 16) % 4]}{raw[17:20]}-{raw[20:]}"
        return fresh.upper() if text.isupper() else fresh
    if sum(character.isalnum() for character in text) < _LEAST:
        return text
    letters = "abcdef" if re.fullmatch(r"[0-9a-fA-F\W_]+", text) else "abcdefghijklmnopqrstuvwxyz"
    out = []
    for character, byte in zip(text, random(len(text)), strict=True):
        if character.isdigit():
            out.append("0123456789"[byte % 10])
        elif character.isascii() and character.isalpha():
            letter = letters[byte % len(letters)]
            out.append(letter.upper() if character.isupper() else letter)
        else:
            out.append(character)
    return "".join(out)


@dataclass(slots=True)
class Unlinked:
    """A tape that counts the calls which could not be laid to one exchange: the build does not pass traces on."""

    tape: Tape
    count: int = 0

    def reserve_id(self) -> int:
        """The id of the next exchange."""
        return self.tape.reserve_id()

    def put(self, exchange: Exchange) -> bool:
        """Take ``exchange``; False when it could not be kept."""
        self.count += exchange.cause is not None and exchange.cause.how is CauseHow.AMBIGUOUS
        return self.tape.put(exchange)

    @property
    def reason(self) -> str | None:
        """Why that makes a run inconclusive, or None."""
        if not self.count:
            return None
        calls = "1 call" if self.count == 1 else f"{self.count} calls"
        return (
            f"{calls} could not be laid to one of the exchanges under way: the build does not pass traceparent on "
            "(replay with --concurrency 1)"
        )
