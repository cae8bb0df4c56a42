"""What a session says about where it came from."""

from __future__ import annotations

import sys
from typing import Any

from captures.commits import commit
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
        "git": commit(),
    }
    return {name: value for name, value in meta.items() if value}
