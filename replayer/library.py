"""The stubs of a capture, taken off the disk as they are needed: one pool per inbound exchange, one for the rest.

Memory holds the pools around the exchange under way, never the capture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from hashlib import sha256

from captures.model import CauseHow, Direction, Exchange, Request
from captures.store import Capture
from replayer.matching import Pool, Stub

KEPT = 32  # pools of inbound exchanges
SIMILAR = 200  # recorded calls looked at to explain a miss


class StubLibrary:
    """Recorded outbound exchanges of ``sessions`` of ``capture``."""

    def __init__(self, capture: Capture, sessions: Iterable[int]) -> None:
        self._capture = capture
        self._sessions = f"({','.join(str(int(session)) for session in sessions) or 'NULL'})"
        self._pools: OrderedDict[int, Pool] = OrderedDict()
        self._unattributed: Pool | None = None
        self._after: dict[int, list[Stub]] | None = None
        self._identical: dict[Hashable, int] | None = None
        self._borrowed: dict[int, Stub] = {}
        self._names: dict[tuple[str, int], str] | None = None

    def pool(self, cause: int) -> Pool:
        """The calls that recorded inbound exchange ``cause`` made."""
        known = self._pools.get(cause)
        if known is not None:
            self._pools.move_to_end(cause)
            return known
        pool = self._pools[cause] = Pool(
            [Stub(one) for one in self._capture.caused_by(cause) if one.protocol == "http"]
        )
        if len(self._pools) > KEPT:
            self._pools.popitem(last=False)
        return pool

    @property
    def unattributed(self) -> Pool:
        """The calls no inbound exchange is known to have made: start-up, background, ambiguous."""
        if self._unattributed is None:
            self._unattributed = Pool(self._stubs("AND caused_by IS NULL"))
        return self._unattributed

    def after(self, inbound: int) -> list[Stub]:
        """The calls that were recorded while no request was open, ``inbound`` being the last to have ended."""
        if self._after is None:
            self._after = {}
            loose = [stub for stub in self.unattributed.stubs if _outside(stub.exchange)]
            ends: list[tuple[float, int]] = []
            if loose:
                rows = self._capture.query(
                    "SELECT id, ended FROM exchange WHERE direction = 'inbound' AND ended IS NOT NULL "
                    f"AND session IN {self._sessions}"
                )
                ends = sorted((row["ended"], row["id"]) for row in rows)
            for stub in loose:
                at = bisect_right(ends, stub.exchange.timing.started, key=lambda end: end[0])
                if at:
                    self._after.setdefault(ends[at - 1][1], []).append(stub)
        return self._after.get(inbound, [])

    def everything(self) -> Pool:
        """All recorded calls as one pool: for serving stubs without a replay."""
        return Pool(self._stubs(""))

    def identical(self, request: Request) -> Stub | None:
        """The first recorded call of the same bytes, whatever caused it."""
        if self._identical is None:
            rows = self._capture.query(
                "SELECT e.id, e.scheme, e.host, e.port, e.method, e.target, b.sha256 FROM exchange e "
                "LEFT JOIN body b ON b.id = e.request_body "
                f"WHERE e.direction = 'outbound' AND e.protocol = 'http' AND e.session IN {self._sessions} "
                "ORDER BY e.id DESC"
            )
            self._identical = {
                _key(row["scheme"], row["host"], row["port"], row["method"], row["target"], row["sha256"]): row["id"]
                for row in rows
            }
        digest = sha256(request.body).digest() if request.body else None
        key = _key(request.scheme, request.host, request.port, request.method, request.target.decode("latin-1"), digest)
        found = self._identical.get(key)
        if found is None:
            return None
        if found not in self._borrowed:
            self._borrowed[found] = Stub(self._capture.exchange(found))
        return self._borrowed[found]

    def similar(self, request: Request) -> list[Exchange]:
        """Recorded calls that ``request`` may have meant: same server and method, else same server, else any."""
        for where, values in (
            ("AND host = ? AND port = ? AND method = ?", [request.host, request.port, request.method]),
            ("AND host = ? AND port = ?", [request.host, request.port]),
            ("AND method = ?", [request.method]),
        ):
            rows = self._capture.query(
                f"SELECT id FROM exchange WHERE direction = 'outbound' AND session IN {self._sessions} {where} LIMIT ?",
                [*values, SIMILAR],
            )
            ids = [row["id"] for row in rows]
            if ids:
                return list(self._capture.exchanges(ids=ids))
        return []

    def dependency(self, request: Request) -> str:
        """The recorded name of the dependency ``request`` goes to, else ``host:port``."""
        if self._names is None:
            rows = self._capture.query(
                "SELECT DISTINCT host, port, dependency FROM exchange "
                f"WHERE direction = 'outbound' AND dependency IS NOT NULL AND session IN {self._sessions}"
            )
            self._names = {(row["host"], row["port"]): row["dependency"] for row in rows}
        host = f"[{request.host}]" if ":" in request.host else request.host
        return self._names.get((request.host, request.port), f"{host}:{request.port}")

    def _stubs(self, where: str) -> list[Stub]:
        rows = self._capture.query(
            "SELECT id FROM exchange WHERE direction = 'outbound' AND protocol = 'http' "
            f"AND session IN {self._sessions} {where}"
        )
        ids = [row["id"] for row in rows]
        return [Stub(exchange) for exchange in self._capture.exchanges(direction=Direction.OUTBOUND, ids=ids)]


def _key(scheme: str, host: str, port: int, method: str, target: str, digest: bytes | None) -> Hashable:
    return hash((scheme, host, port, method, target, digest))


def _outside(call: Exchange) -> bool:
    return call.cause is not None and call.cause.how is CauseHow.NONE and call.request.method != "CONNECT"
