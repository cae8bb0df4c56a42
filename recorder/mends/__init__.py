"""What stock mitmproxy breaks in a service's real path, mended at run time.

Each was reproduced on 11.0.2 and on 12.x, and each has a test that runs on whichever is installed:

* ``http1``: trailers, informational responses, a Content-Length sent twice.
* ``http2``: informational responses, resets, GOAWAY, broken connections.
* ``http3``: its first packet, under ``python -O``.
* ``ended_streams``: HTTP/2 streams that ended and are kept for as long as their connection lives.
* ``flow_control``: HTTP/2 bodies for somebody who reads slowly, or not at all.
* ``streams``: large and broken-off uploads, ``Expect: 100-continue``, answers that come before the request is complete,
  requests that lead nowhere.
* ``websocket``: fragments, compression, sockets that break, unknown extensions.
* ``halves``: clients that close their half once they have asked.
* ``tunnels``: servers that speak first, half-closed connections.
* ``uploads``: requests without a length, and those whose server is down.
* ``connections``: resets, idle connections.

The mends wrap methods that are private to mitmproxy; :func:`mend` refuses a version that lacks one of them. A wrap
that has nothing to do hands out the original's own generator: what is not broken costs no time.
"""

from __future__ import annotations

from mitmproxy import version
from mitmproxy.proxy.layers.http import _http1

from captures.errors import UsageError
from recorder.mends import (
    connections,
    ended_streams,
    flow_control,
    halves,
    http1,
    http2,
    http3,
    streams,
    tunnels,
    uploads,
    websocket,
)
from recorder.mends.events import RequestRefusedHook

__all__ = ["mend", "RequestRefusedHook"]


def mend() -> None:
    """Apply every mend, once per process.

    Raises :class:`UsageError` when this mitmproxy is not one the mends were made for.
    """
    wanted = [
        *http1.wraps(),
        *http2.wraps(),
        *ended_streams.wraps(),
        *flow_control.wraps(),
        *streams.wraps(),
        *uploads.wraps(),
        *connections.wraps(),
        *halves.wraps(),
        *websocket.wraps(),
        *tunnels.wraps(),
    ]
    if any(not hasattr(owner, name) for owner, name, _ in wanted):
        raise UsageError(
            f"mitmproxy {version.VERSION} is not one the recorder knows.",
            hint="Install one it was tested with: pip install 'retape[record]'.",
        )
    if getattr(_http1.make_body_reader, "mended", False):
        return
    for owner, name, wrap in wanted:
        setattr(owner, name, wrap(getattr(owner, name)))
    connections.keep_idle()
    http3.keep_asserts()
