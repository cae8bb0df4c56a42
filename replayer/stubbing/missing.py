"""A miss explains itself: the nearest recorded call, how to get from one to the other, who had it, which rule helps."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from itertools import islice
from typing import Any

from captures.model import Request, Response
from replayer.library import StubLibrary
from replayer.misses import MISS_HEADER, explain, nearest
from replayer.stubbing.edits import accepting_rules
from replayer.stubbing.keys import server
from replayer.stubbing.pools import Pool, Stub

LOOKED_AT = 200  # stubs of the pools the call was sought in
TOLD = 3  # takers of an answer that are named


class Explainer:
    """Explains misses out of ``library``. ``alone``: there is no run, whose exchanges could be named."""

    def __init__(self, library: StubLibrary, *, alone: bool = False) -> None:
        self._library = library
        self._alone = alone

    def explain(self, shown: Request, pools: Iterable[Pool], inbound: int | None) -> tuple[dict[str, Any], int | None]:
        """The explanation of the miss of ``shown`` (redacted), and the id of the nearest recorded call."""
        library = self._library
        pools = list(pools)
        each = max(LOOKED_AT // max(len(pools), 1), 10)
        stubs = [stub for pool in pools for stub in islice(pool.stubs, each)]
        near = nearest(shown, [*(stub.exchange for stub in stubs), *library.similar(shown)])
        whose = f"recorded exchange {inbound}" if inbound is not None else "no inbound exchange"
        if near is None:
            return explain(shown, None, used=False, cause=whose), None
        stub = next((one for one in stubs if one.exchange.id == near.id), None) or library.find(near.id)
        endpoint = library.endpoint_of(near)
        told = explain(
            shown,
            near,
            used=stub is not None and stub.times > 0,
            cause=whose,
            answered=self._answered(stub, pools) if stub is not None else "",
            rules=accepting_rules(library.name_of(near), endpoint, near.request, shown)
            if server(near.request) == server(shown)
            else (),
            capture=shlex.quote(str(library.path)),
        )
        return told, near.id

    def _answered(self, stub: Stub, pools: Iterable[Pool]) -> str:
        """``already answered 2 of 2 times, to recorded exchange 4 (run exchange 9)``; empty when it was not."""
        pool = next((one for one in pools if stub in one.stubs), None) or self._library.pool_of(stub)
        same = pool.same(stub) if pool is not None else [stub]
        takers = [taker for one in same for taker in one.takers]
        if not takers:
            return ""
        times = sum(one.times for one in same)
        count = f"{times} of {len(same)} time{'' if len(same) == 1 else 's'}"
        if self._alone:
            return f"already answered {count}"
        names = []
        for taker in takers[:TOLD]:
            if taker.recorded is None:
                names.append(f"a call outside any request (run exchange {taker.call})")
            else:
                names.append(f"recorded exchange {taker.recorded} (run exchange {taker.replayed})")
        more = f" and {len(takers) - TOLD} more" if len(takers) > TOLD else ""
        return f"already answered {count}, to {', '.join(names)}{more}"


def miss_response(explanation: dict[str, object]) -> Response:
    """The 502 a miss is answered with."""
    body = json.dumps(explanation, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
    headers = (
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"%d" % len(body)),
        (MISS_HEADER, b"1"),
    )
    return Response(502, headers, body, b"Bad Gateway")
