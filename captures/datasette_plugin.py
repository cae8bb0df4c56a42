"""For Datasette: the SQL function ``retape_body(codec, data, size)``, which shows a stored body as text.

    SELECT e.target, retape_body(b.codec, b.data, b.size) FROM exchange e JOIN body b ON b.id = e.response_body

Content codings (gzip, br) are the exchange's headers' business and stay on; what is no UTF-8 is shown as its size.
"""

from __future__ import annotations

import sqlite3
from functools import partial

from pluggy import HookimplMarker

from captures.bodies import BodyReader

hookimpl = HookimplMarker("datasette")  # what datasette.hookimpl is; so this module can be tested without Datasette


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Called by Datasette for every connection it opens."""
    bodies = BodyReader(conn)
    conn.create_function("retape_body", 3, partial(retape_body, bodies), deterministic=True)


def retape_body(bodies: BodyReader, codec: str | None, data: bytes | None, size: int | None) -> str | None:
    """A row of ``body`` as text; None for no body, a sentence in angle brackets for what is no text."""
    if data is None:
        return None
    try:
        body = bodies.unpack(codec, data, size)
    except (ValueError, sqlite3.Error) as error:
        return f"<{error}>"
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{len(body)} bytes that are no UTF-8 text>"
