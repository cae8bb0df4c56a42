"""Which recording a capture is, told without reading it: its sessions, and how much is in it.

Copies of one recording say the same; what was recorded further, distilled or pruned says something else. To prove that
two files hold the same bytes there is :mod:`captures.digest`, which reads every row.
"""

from __future__ import annotations

import hashlib
import json

from captures.store import Capture


def identity_of(capture: Capture) -> str:
    """16 hex digits; half a second for a million exchanges."""
    sessions = [[one.id, one.mode, one.started, one.redaction_key] for one in capture.sessions()]
    counts = next(capture.rows("SELECT COUNT(*), MAX(id), TOTAL(ended - started) FROM exchange"))
    text = json.dumps([sessions, list(counts)], default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
