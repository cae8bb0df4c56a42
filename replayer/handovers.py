"""Dependencies handed to the build as listeners of their own, in a variable: for clients that no proxy reaches.

They are those of the recording (``retape record --dependency``) and those of ``[dependencies]`` in ``retape.toml``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from captures.config import Config
from captures.errors import ConfigError
from captures.model import Session
from captures.store import Capture
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


def moved_listeners(source: Capture, handed: Dependencies, variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of authorities: where a dependency's listener was in the recording, and where ``variables`` say it is now.

    Answers name them (``Access-Control-Allow-Origin``, a page of settings), and both are ports that Retape picked. The
    recorded one stands with the calls, as the Host that the listener was asked by; a name that the client put there is
    none.
    """
    if not handed:
        return []
    now = {
        name: urlsplit(variables[variable]).netloc for name, (_, variable) in handed.items() if variable in variables
    }
    return [(host, now[name]) for name, host in recorded_listeners(source) if name in now and host != now[name]]


def recorded_listeners(source: Capture) -> list[tuple[str, str]]:
    """(name, authority) of every listener that calls of the recording came to, as the service was told of it."""
    rows = source.query(
        "SELECT DISTINCT dependency AS name, json_extract(notes, '$.host') AS host FROM exchange "
        "WHERE direction = 'outbound' AND dependency IS NOT NULL AND json_valid(notes) ORDER BY 1, 2"
    )
    return [(row["name"], row["host"]) for row in rows if isinstance(row["host"], str) and _picked(row["host"])]


def _picked(authority: str) -> bool:
    """Whether it is an address of this machine with a port, as a listener is handed over."""
    host, colon, port = authority.rpartition(":")
    try:
        return bool(colon) and port.isdecimal() and ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


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
