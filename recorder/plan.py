"""What the proxy process is told to do: one JSON line on its stdin, so that no secret shows in ``ps``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from recorder.listeners import Listener

MAX_BODY = 64 * 1024 * 1024
DRAIN = 5.0


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """Everything the proxy process needs."""

    capture: str
    listeners: tuple[Listener, ...]
    confdir: str  # where the CA is
    redaction_key: bytes
    redaction: Mapping[str, Any] = field(default_factory=dict)  # the [redact] section as configured
    dependencies: Mapping[str, str] = field(default_factory=dict)  # "host:port" -> name, for the forward proxy
    trusted: str | None = None  # PEM bundle upstream certificates are checked against
    insecure: bool = False  # do not check them
    meta: Mapping[str, Any] = field(default_factory=dict)  # of the session
    max_body: int = MAX_BODY  # bytes of one body kept in memory and on disk
    drain: float = DRAIN  # seconds open exchanges get to finish when the recording stops
    work: str = ""  # the parent's folder of temporary files: removed here when the parent was killed

    def to_line(self) -> bytes:
        """One line of JSON."""
        value = {name: getattr(self, name) for name in self.__slots__}
        value["listeners"] = [one.to_json() for one in self.listeners]
        value["redaction_key"] = self.redaction_key.hex()
        return json.dumps(value).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The inverse of :meth:`to_line`."""
        value = json.loads(line)
        value["listeners"] = tuple(Listener.from_json(one) for one in value["listeners"])
        value["redaction_key"] = bytes.fromhex(value["redaction_key"])
        return cls(**value)
