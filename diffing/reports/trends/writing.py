"""Where a trend goes: stdout, or a file that is replaced whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

from diffing.history.trend import Trend
from diffing.reports.files import replace

DEFAULT_HTML = "retape-trend.html"


def write(trend: Trend, form: str, output: Path | None) -> Path | None:
    """Render ``trend`` as ``form`` (``terminal``, ``json``, ``html``); the path written, None for stdout.

    Raises :class:`captures.errors.UsageError` for a file that cannot be written.
    """
    if form == "html" and output is None:
        output = Path(DEFAULT_HTML)
    if output is None:
        if form == "json":
            from diffing.reports.trends import json_trend

            sys.stdout.write(json_trend.render(trend))
        else:
            from diffing.reports.trends import terminal

            terminal.write(trend, sys.stdout)
        sys.stdout.flush()
        return None
    replace(output, _text(trend, form))
    return output


def _text(trend: Trend, form: str) -> str:
    if form == "json":
        from diffing.reports.trends import json_trend

        return json_trend.render(trend)
    if form == "html":
        from diffing.reports.trends import page

        return page.render(trend)
    from diffing.reports.trends import terminal

    return terminal.plain(trend)
