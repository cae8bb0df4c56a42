"""Event streams as far as they came: a client leaves one in the middle, and then what it saw whole is what counts."""

from __future__ import annotations

import re

from captures.formats.mediatypes import media_type
from captures.model import Response, header

BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")  # ends an event (WHATWG HTML 9.2.5)


def is_stream(response: Response) -> bool:
    """Whether the body is events that a client reads one by one."""
    return media_type(response.headers) == "text/event-stream" and header(response.headers, "content-encoding") is None


def whole_events(response: Response, most: int | None = None) -> tuple[bytes, int]:
    """The beginning of an event stream's body that holds whole events (``most``: no more than so many), and how many.

    ``(b"", 0)`` for what is no event stream, or is content-encoded.
    """
    if not is_stream(response):
        return b"", 0
    ends = [found.end() for found in BLANK.finditer(response.body)][:most]
    return response.body[: ends[-1]] if ends else b"", len(ends)
