"""``retape.toml`` (or ``[tool.retape]`` in ``pyproject.toml``), plus rules and approvals from ``retape.rules.toml``.

Unknown keys are refused, with the nearest known one: a setting that silently never fires is worse than none.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from captures.errors import ConfigError
from captures.state import project_root

RECORD_KEYS = (
    "inbound", "outbound", "label", "upstream_ca", "insecure_upstream", "max_body", "drain", "ready_timeout",
    "metrics", "max_messages", "max_queue", "on_overload", "workers", "inject_trace", "rotate", "keep",
    "only", "exclude", "only_calls", "exclude_calls", "sample",
)  # fmt: skip
REDACT_KEYS = ("key", "headers", "query", "json", "keep", "paths", "patterns", "detectors")
REPLAY_KEYS = (
    "target", "timeout", "ready", "ready_timeout", "host", "on_miss", "exhausted", "headers", "fail_on",
    "concurrency", "order", "pacing", "connections", "http_version", "stub_latency", "isolate", "clock",
    "baseline_cmd", "baseline_target", "auth",
)  # fmt: skip
AUTH_KEYS = ("headers", "cookie", "basic", "login", "jwt_key", "as")
AS_KEYS = ("recorded", "headers", "cookie", "basic", "login")  # of [[replay.auth.as]]
LOGIN_KEYS = ("method", "path", "headers", "json", "form", "token", "header", "cookies")
CHAIN_KEYS = ("name", "from", "to", "never")
ENDPOINT_KEYS = ("templates",)
APPROVAL_KEYS = ("fingerprint", "places", "decision", "change", "reason", "author", "created", "until", "recording")
KEYS = {"record": RECORD_KEYS, "redact": REDACT_KEYS, "replay": REPLAY_KEYS, "endpoints": ENDPOINT_KEYS}
"""Known keys of each table, checked by every command: a misspelt [record] shows in a replay, too."""

LISTS = ("rules", "approvals")  # also in the rules file
SECTIONS = (*KEYS, "dependencies", *LISTS, "chain")  # the names of dependencies are the user's own
RULES_FILE = "retape.rules.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration files say. Keys are known ones; each owner of a section checks its values."""

    files: tuple[Path, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """The table ``[name]``; empty when absent. Raises :class:`ConfigError` when it is not a table."""
        value = self.data.get(name, {})
        if not isinstance(value, Mapping):
            raise ConfigError(f"[{name}] in {self._where()} must be a table, not {type(value).__name__}.")
        return value

    def rules(self) -> list[Mapping[str, Any]]:
        """Every ``[[rules]]`` entry of every file, in order."""
        return self._tables("rules")

    def approvals(self) -> list[Mapping[str, Any]]:
        """Every ``[[approvals]]`` entry of every file, in order."""
        return self._tables("approvals")

    def chains(self) -> list[Mapping[str, Any]]:
        """Every ``[[chain]]`` entry, in order."""
        return self._tables("chain")

    def redaction_key(self) -> str | None:
        """``[redact] key``, where there is one (:func:`captures.state.redaction_key` knows where else to look)."""
        key = self.section("redact").get("key")
        return key if isinstance(key, str) else None

    def _tables(self, name: str) -> list[Mapping[str, Any]]:
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            raise ConfigError(f"{name} in {self._where()} must be written as [[{name}]] tables.")
        return value

    def _where(self) -> str:
        return " and ".join(path.name for path in self.files) or "the configuration"


def load(start: Path | None = None, explicit: Path | None = None, rules: Path | None = None) -> Config:
    """The configuration for a command run in ``start`` (default: the working directory).

    ``explicit`` names a file (--config), ``rules`` a further rules file (--rules). No file at all is a fine,
    empty configuration. Raises :class:`ConfigError`.
    """
    root = project_root(start)
    files: list[Path] = []
    merged: dict[str, Any] = {}
    main = explicit or root / "retape.toml"
    if explicit is not None and not explicit.exists():
        raise ConfigError(f"{explicit} does not exist.", hint="Give --config an existing file.")
    if main.exists():
        merged = _parse(main)
        files.append(main)
    elif (root / "pyproject.toml").exists():
        tool = _parse(root / "pyproject.toml").get("tool", {})
        if isinstance(tool, Mapping) and "retape" in tool:
            merged = dict(tool["retape"])
            files.append(root / "pyproject.toml")
    check_keys(merged, SECTIONS, str(main))
    for name, keys in KEYS.items():
        check_keys(Config((main,), merged).section(name), keys, f"{main} [{name}]")
    _check_nested(Config((main,), merged), str(main))
    for path in (main.parent / RULES_FILE, rules):
        if path is None:
            continue
        if not path.exists():
            if path is rules:
                raise ConfigError(f"{path} does not exist.", hint="Give --rules an existing file.")
            continue
        extra = _parse(path)
        check_keys(extra, LISTS, str(path))
        for name in LISTS:
            # Checked one by one: a list cannot be joined to what is none.
            both = (Config(tuple(files), merged)._tables(name), Config((path,), extra)._tables(name))
            if any(both):
                merged[name] = [entry for of_one in both for entry in of_one]
        files.append(path)
    for number, entry in enumerate(Config(tuple(files), merged).approvals(), start=1):
        check_keys(entry, APPROVAL_KEYS, f"{' and '.join(file.name for file in files)} [[approvals]] {number}")
    return Config(tuple(files), merged)


def _check_nested(config: Config, where: str) -> None:
    """The tables inside tables, which every command checks as well."""
    for number, entry in enumerate(config.chains(), start=1):
        check_keys(entry, CHAIN_KEYS, f"{where} [[chain]] {number}")
    auth = config.section("replay").get("auth")
    if auth is None:
        return
    if not isinstance(auth, Mapping):
        raise ConfigError(f"[replay.auth] in {where} must be a table, not {type(auth).__name__}.")
    check_keys(auth, AUTH_KEYS, f"{where} [replay.auth]")
    others = auth.get("as", [])
    if not isinstance(others, list) or not all(isinstance(entry, Mapping) for entry in others):
        raise ConfigError(f"as in [replay.auth] of {where} must be written as [[replay.auth.as]] tables.")
    for number, entry in enumerate(others, start=1):
        check_keys(entry, AS_KEYS, f"{where} [[replay.auth.as]] {number}")
    for entry in (auth, *others):
        if isinstance(entry.get("login"), Mapping):
            check_keys(entry["login"], LOGIN_KEYS, f"{where} login of [replay.auth]")


def check_keys(mapping: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse a key not in ``allowed``: ``retape.toml [record]: unknown key "exlude". Did you mean "exclude"?``."""
    known = list(allowed)
    for key in mapping:
        if key in known:
            continue
        close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        guess = f' Did you mean "{close[0]}"?' if close else ""
        raise ConfigError(f'{where}: unknown key "{key}".{guess}', hint=f"Known keys: {', '.join(known)}.")


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors on Windows begin it with a mark
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not a configuration: its lists are nested too deep.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
