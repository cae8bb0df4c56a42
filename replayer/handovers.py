"""Dependencies handed to the build as listeners of their own, in a variable: for clients that no proxy reaches.

They are those of the recording (``retape record --dependency``) and those of ``[dependencies]`` in ``retape.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from captures.config import Config
from captures.errors import ConfigError
from captures.model import Session
from replayer.stubs import Server

Dependencies = Mapping[str, tuple[str, str]]
"""Name -> (base URL as it was recorded, the variable that hands over the listener's)."""


def recorded_dependencies(sessions: Sequence[Session]) -> dict[str, tuple[str, str]]:
    """The ``--dependency`` listeners of the recording: name -> (URL, variable)."""
    found: dict[str, tuple[str, str]] = {}
    for session in sessions:
        given = session.meta.get("dependencies") or {}
        entries = given.items() if isinstance(given, dict) else ((entry.get("name", ""), entry) for entry in given)
        for name, entry in entries:
            if entry.get("url") and entry.get("env"):
                found[name] = (entry["url"], entry["env"])
    return found


def handed_over(sessions: Sequence[Session], configured: Dependencies) -> dict[str, tuple[str, str]]:
    """What gets a listener of its own: name -> (URL, variable). What is ``configured`` now wins over the recording.

    A variable is handed over once: under a new name, too, it is the configured one.
    """
    taken = {variable for _, variable in configured.values()}
    recorded = recorded_dependencies(sessions).items()
    return {**{name: pair for name, pair in recorded if pair[1] not in taken}, **configured}


def configured_dependencies(config: Config) -> dict[str, tuple[str, str]]:
    """The entries of ``[dependencies]`` that name a variable. Raises :class:`ConfigError`."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in config.section("dependencies").items():
        if not isinstance(value, Mapping) or "env" not in value:
            continue  # a name for a server, and no variable to set
        url, variable = value.get("url"), value["env"]
        if not isinstance(url, str) or not isinstance(variable, str):
            raise ConfigError(f"[dependencies] {name}: url and env must be text.")
        try:
            server_of(url)
        except ValueError as error:
            raise ConfigError(f"[dependencies] {name}: {error}.", hint='Like: url = "https://api.test/v2"') from error
        found[name] = (url, variable or re.sub(r"\W", "_", name).upper() + "_URL")
    return found


def server_of(url: str) -> tuple[Server, str]:
    """The server of a base URL, and its path. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Server(parts.scheme, parts.hostname.lower(), port), parts.path.rstrip("/")
