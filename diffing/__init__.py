"""Two answers, or two captures, in; findings, groups and a verdict out.

``compare``, ``Answer`` and ``Verdict`` are the public interface for one pair (see :mod:`diffing.api`); they are loaded
when first asked for, so importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffing.api import Answer, Verdict, compare

__all__ = ["Answer", "Verdict", "compare"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from diffing import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
