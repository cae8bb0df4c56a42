"""What git tells of the working directory: which build it is, whether there is more than that, and who works here."""

from __future__ import annotations

import subprocess
from typing import Any

PATIENCE = 5  # seconds; a repository may be on a slow disk


def commit() -> str | None:
    """The commit that the working directory is at; None where no git says so."""
    return _git("rev-parse", "HEAD") or None


def built_from(label: str = "") -> dict[str, Any]:
    """What a run says of its build: ``label``, ``git``, and ``dirty`` where files differ from that commit."""
    git = commit()
    dirty = git is not None and _git("status", "--porcelain", "--untracked-files=no") != ""
    return {name: value for name, value in (("label", label), ("git", git), ("dirty", dirty)) if value}


def author() -> str:
    """Who works here, as git knows the person; empty where it does not."""
    return _git("config", "user.name") or ""


def _git(*words: str) -> str | None:
    """What git answers; None where it does not."""
    try:
        asked = subprocess.run(
            ["git", *words], capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
