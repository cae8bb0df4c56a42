"""The stubs of a capture, taken off the disk as they are needed: one pool per inbound exchange, one for the rest.

Memory holds the pools of the exchanges under way and of some before them, never the capture.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable, Sequence

from captures.bodies import FIND as FIND_BODY
from captures.bodies import digest_of
from captures.model import GUESSES, CauseHow, Direction, Exchange, Request, authority
from captures.routes.endpoints import Endpoints, dependency_of
from captures.store import Capture
from replayer.stubbing.calls import Window
from replayer.stubbing.pools import Pool, Stub
from replayer.stubbing.timing import Moment

KEPT = 32  # pools of inbound exchanges that have ended
SIMILAR = 200  # recorded calls looked at to explain a miss
KNOWN = 10_000  # endpoints of inbound exchanges remembered
ALIKE = 50  # of them with the same body, or at the same path


class StubLibrary:
    """Recorded outbound exchanges of ``sessions`` of ``capture``. ``endpoints``: the user's path templates."""

    def __init__(self, capture: Capture, sessions: Iterable[int], endpoints: Sequence[str] = ()) -> None:
        self._capture = capture
        self.path = capture.path
        self._sessions = f"({','.join(str(int(session)) for session in sessions) or 'NULL'})"
        self._pools: OrderedDict[int, Pool] = OrderedDict()
        self._explicit = tuple(endpoints)
        self._endpoints: Endpoints | None = None
        self._causes: dict[int, str] = {}  # recorded inbound id -> endpoint
        self._held: Counter[int] = Counter()
        self._timed: bool | None = None
        self._versions: dict[tuple[str, int], set[bool]] | None = None
        self._unattributed: Pool | None = None
        self._guesses: tuple[array[float], array[int]] | None = (
            None  # when each guessed call began; what it was laid to
        )
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
        pool = self._pools[cause] = Pool(Stub(one) for one in self._capture.caused_by(cause) if one.protocol == "http")
        self._forget()
        return pool

    def hold(self, cause: int) -> None:
        """Keep the pool of ``cause`` until it is released: its exchange is under way, however many others are."""
        self._held[cause] += 1

    def release(self, cause: int) -> None:
        """The exchange has ended; its pool stays for late calls until newer ones need the room."""
        self._held[cause] -= 1
        if self._held[cause] <= 0:
            del self._held[cause]
        self._forget()

    def _forget(self) -> None:
        idle = [cause for cause in self._pools if cause not in self._held] if len(self._pools) > KEPT else []
        for cause in idle[: max(len(idle) - KEPT, 0)]:
            del self._pools[cause]

    def window(self, inbound: int) -> Window | None:
        """When recorded inbound exchange ``inbound`` began and ended; None where it has no end."""
        rows = self._capture.query("SELECT started, ended FROM exchange WHERE id = ? AND ended IS NOT NULL", [inbound])
        return next(((row["started"], row["ended"]) for row in rows), None)

    def guessed_around(self, inbound: int) -> list[int]:
        """Other inbound exchanges that a guess laid calls to while ``inbound`` was open: they may be its own."""
        if self._guesses is None:
            hows = ", ".join(f"'{how}'" for how in GUESSES)
            rows = list(
                self._capture.query(
                    "SELECT started, caused_by FROM exchange WHERE direction = 'outbound' AND caused_by IS NOT NULL "
                    f"AND cause_how IN ({hows}) AND session IN {self._sessions} ORDER BY started"
                )
            )
            self._guesses = array("d", [row["started"] for row in rows]), array("q", [row["caused_by"] for row in rows])
        started, causes = self._guesses
        window = self.window(inbound) if started else None
        if window is None:
            return []
        within = causes[bisect_left(started, window[0]) : bisect_right(started, window[1])]
        return [one for one in dict.fromkeys(within) if one != inbound]

    def find(self, identity: int) -> Stub | None:
        """The stub of recorded call ``identity`` in a pool that is in memory."""
        pools = [*self._pools.values(), *([self._unattributed] if self._unattributed is not None else [])]
        return next((stub for pool in pools for stub in pool.stubs if stub.exchange.id == identity), None)

    def pool_of(self, stub: Stub) -> Pool | None:
        """The pool in memory that holds ``stub``."""
        cause = stub.exchange.cause.exchange if stub.exchange.cause is not None else None
        pool = self._unattributed if cause is None else self._pools.get(cause)
        return pool if pool is not None and stub in pool.stubs else None

    @property
    def endpoints(self) -> Endpoints:
        """The path templates of the capture, which rules name calls by. Inferred on first need."""
        if self._endpoints is None:
            self._endpoints = Endpoints.of(self._capture, self._explicit)
        return self._endpoints

    def name_of(self, call: Exchange) -> str:
        """``payments POST /charges``: what rules call a recorded call."""
        return f"{dependency_of(call)} {self.endpoints.endpoint_of(call)}"

    def endpoint_of(self, call: Exchange) -> str:
        """The endpoint of the inbound exchange that made a recorded call; "" where none is known to have."""
        cause = call.cause.exchange if call.cause is not None else None
        if cause is None:
            return ""
        known = self._causes.get(cause)
        if known is None:
            inbound = next(self._capture.exchanges(ids=[cause]), None)
            known = self.endpoints.endpoint_of(inbound) if inbound is not None else ""
            if len(self._causes) >= KNOWN:
                self._causes.clear()
            self._causes[cause] = known
        return known

    def moments(self, identity: int) -> list[Moment]:
        """When the pieces of a recorded call's response came; empty where the capture does not say."""
        if self._timed is None:
            self._timed = any(self._capture.query("SELECT 1 FROM message LIMIT 1"))
        if not self._timed:
            return []
        rows = self._capture.query(
            "SELECT m.at, b.size FROM message m JOIN body b ON b.id = m.body "
            "WHERE m.exchange = ? AND m.from_client = 0 ORDER BY m.seq",
            [identity],
        )
        return [Moment(row["at"], row["size"]) for row in rows if row["size"]]

    def protocols(self, host: str, port: int) -> tuple[str, ...]:
        """What to offer in ALPN for ``host:port``: HTTP/2 too, unless all that was recorded there is HTTP/1.

        A client that speaks both must not change its protocol because a stub speaks both.
        """
        if self._versions is None:
            rows = self._capture.query(
                "SELECT DISTINCT host, port, request_version LIKE 'HTTP/1.%' AS old FROM exchange "
                f"WHERE direction = 'outbound' AND scheme = 'https' AND session IN {self._sessions}"
            )
            self._versions = {}
            for row in rows:
                self._versions.setdefault((row["host"], row["port"]), set()).add(bool(row["old"]))
        return ("http/1.1",) if self._versions.get((host, port)) == {True} else ("h2", "http/1.1")

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
                "SELECT e.id, e.scheme, e.host, e.port, e.method, e.target, substr(b.sha256, 1, 16) AS digest "
                "FROM exchange e "
                "LEFT JOIN body b ON b.id = e.request_body "
                f"WHERE e.direction = 'outbound' AND e.protocol = 'http' AND e.session IN {self._sessions} "
                "ORDER BY e.id DESC"
            )
            self._identical = {
                _key(row["scheme"], row["host"], row["port"], row["method"], row["target"], row["digest"]): row["id"]
                for row in rows
            }
        digest = digest_of(request.body) if request.body else None
        key = _key(request.scheme, request.host, request.port, request.method, request.target.decode("latin-1"), digest)
        found = self._identical.get(key)
        if found is None:
            return None
        if found not in self._borrowed:
            self._borrowed[found] = Stub(self._capture.exchange(found))
        return self._borrowed[found]

    def similar(self, request: Request) -> list[Exchange]:
        """Recorded calls that ``request`` may have meant.

        Those with its body wherever they went, those at its path; then of its server and method, else its server,
        else its method.
        """
        digest = digest_of(request.body)
        path = request.target.partition(b"?")[0].decode("latin-1")
        ids = self._ids(f"AND e.request_body = ({FIND_BODY})", [digest[:4], digest], ALIKE) if request.body else []
        ids += self._ids("AND e.host = ? AND (e.target = ? OR e.target LIKE ? ESCAPE '\\')", [
            request.host, path, _escaped(path) + "?%",
        ], ALIKE)  # fmt: skip
        for where, values in (
            ("AND e.host = ? AND e.port = ? AND e.method = ?", [request.host, request.port, request.method]),
            ("AND e.host = ? AND e.port = ?", [request.host, request.port]),
            ("AND e.method = ?", [request.method]),
        ):
            more = self._ids(where, values, SIMILAR)
            if more:
                ids += more
                break
        return list(self._capture.exchanges(ids=ids))

    def _ids(self, where: str, values: Sequence[object], limit: int) -> list[int]:
        rows = self._capture.query(
            "SELECT e.id FROM exchange e LEFT JOIN body b ON b.id = e.request_body "
            f"WHERE e.direction = 'outbound' AND e.protocol = 'http' AND e.session IN {self._sessions} {where} "
            "ORDER BY e.id LIMIT ?",
            [*values, limit],
        )
        return [row["id"] for row in rows]

    def dependency(self, request: Request) -> str:
        """The recorded name of the dependency ``request`` goes to, else ``host:port``."""
        if self._names is None:
            rows = self._capture.query(
                "SELECT DISTINCT host, port, dependency FROM exchange "
                f"WHERE direction = 'outbound' AND dependency IS NOT NULL AND session IN {self._sessions}"
            )
            self._names = {(row["host"], row["port"]): row["dependency"] for row in rows}
        return self._names.get((request.host, request.port), authority(request.host, request.port))

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


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
