"""What a session says about where it came from."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from captures.redacting.commands import shown_command
from captures.versions import version_of
from recorder.settings import Settings, dependency_urls


def provenance(settings: Settings) -> dict[str, Any]:
    """The ``meta`` of the session: versions, listeners, the service's command, label and commit."""
    meta: dict[str, Any] = {
        "versions": {
            "retape": version_of("retape"),
            "mitmproxy": version_of("mitmproxy"),
            "python": sys.version.split()[0],
        },
        "listeners": [
            {"role": one.role.value, "name": one.name, "target": one.target.url if one.target else None}
            for one in settings.listeners
        ],
        "dependencies": dependency_urls(settings.listeners),
        "command": shown_command(settings.command),
        "label": settings.label,
        "selection": settings.choice.to_json(),
        "git": _git_commit(),
    }
    return {name: value for name, value in meta.items() if value}


def _git_commit() -> str | None:
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None
