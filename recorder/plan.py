"""What the proxy process is told to do: one JSON line on its stdin, so that no secret shows in ``ps``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from captures.rotation import Rotation
from recorder.choosing import Choice
from recorder.listeners import Listener

MAX_BODY = 64 * 1024 * 1024
MAX_QUEUE = 256 * 1024 * 1024
MAX_MESSAGES = 100_000
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
    choice: Choice = field(default_factory=Choice)  # what is recorded of all that passes
    sample_key: str = ""  # of the draw which sessions are kept, one for a recording
    inject_trace: bool = False  # give inbound requests without a trace a traceparent
    max_messages: int = MAX_MESSAGES  # of one exchange that are kept; more are counted
    drain: float = DRAIN  # seconds open exchanges get to finish when the recording stops
    max_queue: int = MAX_QUEUE  # bytes of exchanges that wait to be written
    blocks: bool = False  # when that many wait, new requests do too; else what does not fit is dropped and counted
    rotation: Rotation | None = None
    workers: int = 1  # proxies that share the listeners
    worker: int = 0  # which of them is told
    work: str = ""  # the parent's folder of temporary files: removed here when the parent was killed

    def to_line(self) -> bytes:
        """One line of JSON."""
        value = {name: getattr(self, name) for name in self.__slots__}
        value["listeners"] = [one.to_json() for one in self.listeners]
        value["choice"] = self.choice.to_json()
        value["redaction_key"] = self.redaction_key.hex()
        value["rotation"] = None if self.rotation is None else asdict(self.rotation)
        return json.dumps(value).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The inverse of :meth:`to_line`."""
        value = json.loads(line)
        value["listeners"] = tuple(Listener.from_json(one) for one in value["listeners"])
        value["choice"] = Choice.from_json(value["choice"])
        value["redaction_key"] = bytes.fromhex(value["redaction_key"])
        value["rotation"] = None if value["rotation"] is None else Rotation(**value["rotation"])
        return cls(**value)
