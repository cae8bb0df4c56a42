"""Where nobody is there to answer for it: in CI nothing is written into the repository."""

from __future__ import annotations

import os

from captures.errors import UsageError


def in_ci() -> bool:
    """Whether ``CI`` is set: nobody is there to ask, to open a browser for, or to answer for what is written."""
    return bool(os.environ.get("CI"))


def refuse_in_ci(what: str, command: str) -> None:
    """Raise :class:`UsageError` where ``CI`` is set: ``what`` does not happen there; ``command`` is for a checkout."""
    if in_ci():
        raise UsageError(f"CI is set: {what} there.", hint=f"Run it in your checkout, and commit the result: {command}")
