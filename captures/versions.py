"""Which version of a distribution is installed: runs and recordings say what made them."""

from __future__ import annotations


def version_of(distribution: str) -> str:
    """Its version, or ``unknown`` where it is not installed (a checkout that is only on the path)."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
