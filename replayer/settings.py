"""What ``retape replay`` shall do: command line, ``retape.toml`` and defaults put together and checked. No network.

What each key of ``[replay]`` may be stands in ``captures.settings``; options of the same name win over it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captures.config import Config
from captures.errors import UsageError
from captures.replacing import check_replaceable
from captures.selection import parse
from captures.settings.replaying_keys import REPLAY
from captures.state import run_path
from diffing.rulebook.rules import RuleBook
from replayer.arguments import arguments_of
from replayer.chain_rules import chain_rules
from replayer.client import Target
from replayer.credentials import Credentials
from replayer.handovers import configured_dependencies
from replayer.pacing import Pacing
from replayer.plan import Clock, Connections, Exhausted, HttpVersion, OnMiss, ReplayPlan, Shard
from replayer.tiers.asked import order_of, tier_of

SUMMED = ("headers", "isolate", "auth")
"""Keys of [replay] that an option adds to, or that have none; every other option wins over its key."""


def settings_of(config: Config, given: Mapping[str, Any]) -> dict[str, Any]:
    """The section [replay] under the command line's options, with the defaults. Raises :class:`ConfigError`."""
    settings: dict[str, Any] = {}
    for key in (key for key in REPLAY.names if key not in SUMMED):
        option = given.get(key)
        settings[key] = config.value("replay", key) if option is None else option
    settings["headers"] = [*(config.value("replay", "headers") or ()), *given["headers"]]
    settings["isolate"] = config.value("replay", "isolate") or bool(given.get("isolate"))
    return settings


def plan_of(
    capture: Path,
    command: tuple[str, ...],
    given: Mapping[str, Any],
    settings: Mapping[str, Any],
    config: Config,
    endpoints: tuple[str, ...],
    rules: RuleBook | None = None,
) -> ReplayPlan:
    """The plan that the command line, ``settings`` and the configuration make together. Raises :class:`UsageError`."""
    auth = Credentials.of(config.value("replay", "auth") or {}, os.environ)
    redaction = _with_headers(config.section("redact"), auth.header_names)
    target = given["target"] or (None if command else settings["target"])
    baseline = settings["baseline_target"]
    tier = tier_of(given, settings)
    return ReplayPlan(
        output=output_of(capture, given["output"]),
        command=_startable(command, "-- CMD"),
        target=Target.parse(target) if target else None,
        only=parse(given["only"]) if given["only"] else None,
        endpoints=endpoints,
        headers=tuple(_header(line) for line in settings["headers"]),
        host=settings["host"],
        timeout=float(settings["timeout"]),
        max_body=config.value("record", "max_body"),  # what was kept whole in the recording is read whole again
        ready=settings["ready"],
        ready_timeout=float(settings["ready_timeout"]),
        target_ca=given["target_ca"],
        on_miss=OnMiss(settings["on_miss"]),
        exhausted=Exhausted(settings["exhausted"]),
        stub_listen=given["stub_listen"],
        shard=Shard.parse(given["shard"]) if given["shard"] else None,
        redaction_key=config.redaction_key(),
        redaction=redaction,
        concurrency=settings["concurrency"],
        order=order_of(given, settings, config.section("replay"), tier),
        pacing=Pacing.parse(settings["pacing"]),
        connections=Connections(settings["connections"]),
        http_version=HttpVersion(settings["http_version"]),
        stub_latency=float(settings["stub_latency"]),
        rules=rules or RuleBook(),
        rules_digest=_digest(config),
        isolate=settings["isolate"],
        dependencies=configured_dependencies(config),
        clock=Clock(settings["clock"]),
        baseline_command=_startable(_words(settings["baseline_cmd"] or ""), "--baseline-cmd"),
        baseline_target=Target.parse(baseline) if baseline else None,
        chains=chain_rules(config.chains()),
        arguments=arguments_of(given),
        auth=auth,
        label=given.get("label") or "",
        tier=tier,
    )


def _with_headers(redaction: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    """[redact] with ``names``, whose values [replay.auth] supplies: secrets, whatever they are called."""
    known = redaction.get("headers", [])
    return {**redaction, "headers": [*known, *names]} if names and isinstance(known, list) else redaction


def _words(line: str) -> tuple[str, ...]:
    """The words of a command that was given as one string."""
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise UsageError(
            f"--baseline-cmd {line} is no command line: {str(error).lower()}.", hint="Close the quote that is open."
        ) from error


def _startable(words: tuple[str, ...], option: str) -> tuple[str, ...]:
    """``words``, of which the first is a command that is there: looked for before anything is written."""
    if words and shutil.which(words[0]) is None and not Path(words[0]).exists():
        raise UsageError(f"There is no command {words[0]!r}.", hint=f"Check the words of {option}.")
    return words


def _digest(config: Config) -> str:
    """What the configuration says, as one digest: equal on every machine that has the same files."""
    text = json.dumps(config.data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _header(line: str) -> tuple[bytes, bytes]:
    """``Name: value`` as a pair; the value is not shown when it is wrong, it may be a secret."""
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or "\n" in line or "\r" in line:
        raise UsageError("--header wants 'Name: value' on one line.", hint="Like: --header 'Authorization: Bearer …'")
    return name.strip().encode("latin-1", "replace"), value.strip().encode("utf-8")


def output_of(capture: Path, given: Path | None) -> Path:
    """Where the run goes. Nothing is touched here: an older run is replaced when the new one begins.

    Raises :class:`UsageError` when anything but a run is there.
    """
    if given is None:
        return run_path(f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    if given.exists() and capture.exists() and given.samefile(capture):
        raise UsageError(f"-o {given} is the capture itself.", hint="Write the run to another file.")
    check_replaceable(given)
    return given


def examine(config: Config) -> None:
    """Read ``[replay]``, ``[[chain]]`` and ``[dependencies]`` as a replay does. Raises :class:`UsageError`.

    Variables that ``[replay.auth]`` names need not be set here, and the baseline's command need not be there.
    """
    auth = config.value("replay", "auth") or {}
    Credentials.of(auth, _Anything())
    for key in ("target", "baseline_target"):
        if url := config.value("replay", key):
            Target.parse(url)
    Pacing.parse(config.value("replay", "pacing"))
    _words(config.value("replay", "baseline_cmd") or "")
    for line in config.value("replay", "headers") or ():
        _header(line)
    chain_rules(config.chains())
    configured_dependencies(config)


class _Anything(dict[str, str]):
    """An environment in which every variable is set."""

    def __missing__(self, name: str) -> str:
        return f"{name}=a:b"

    def get(self, name: str, default: object = None) -> str:
        """As if it were set: with a colon and an equals sign, so that it may be any credential."""
        return self[name]
