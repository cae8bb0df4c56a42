"""What ``retape replay`` shall do: command line, ``retape.toml`` and defaults put together and checked. No network.

One table (:data:`SETTINGS`) says for each key of ``[replay]`` what it may be; options of the same name win over it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captures.config import Config
from captures.errors import ConfigError, UsageError
from captures.replacing import check_replaceable
from captures.selection import parse
from captures.state import run_path
from diffing.rulebook.rules import RuleBook
from replayer.arguments import arguments_of
from replayer.chain_rules import chain_rules
from replayer.client import Target
from replayer.credentials import Credentials
from replayer.handovers import configured_dependencies
from replayer.pacing import Pacing
from replayer.plan import MAX_BODY, Clock, Connections, Exhausted, HttpVersion, OnMiss, Order, ReplayPlan, Shard


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of ``[replay]``: its default, and what it must be (``choices``, or a number, or a string)."""

    default: Any
    choices: tuple[str, ...] = ()
    number: bool = False
    least: float = 0.0
    whole: bool = False

    def complaint(self, value: Any) -> str | None:
        """What is wrong with ``value``, or None."""
        if self.choices:
            return None if value in self.choices else f'"{value}" is none of {", ".join(self.choices)}'
        if self.number or self.whole:
            numeric = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
            if not numeric or value < self.least:
                kind = "a whole number" if self.whole else "a number"
                return f"must be {kind}, at least {self.least:g}"
            return None
        return None if isinstance(value, str | None) else "must be a string"


SETTINGS: Mapping[str, Setting] = {
    "target": Setting(None),
    "timeout": Setting(30.0, number=True, least=0.01),
    "ready": Setting(None),
    "ready_timeout": Setting(60.0, number=True),
    "host": Setting("recorded", ("recorded", "target")),
    "on_miss": Setting("nearest", ("nearest", "strict")),
    "exhausted": Setting("last", ("last", "miss")),
    "fail_on": Setting("warning", ("error", "warning", "info")),
    "concurrency": Setting(1, whole=True, least=1),
    "order": Setting("recorded", ("recorded", "session", "independent")),
    "pacing": Setting("none"),
    "connections": Setting("recorded", ("recorded", "pooled")),
    "http_version": Setting("auto", ("auto", "1.1", "2")),
    "stub_latency": Setting(0.0, number=True),
    "clock": Setting("real", ("real", "recorded")),
    "baseline_cmd": Setting(None),
    "baseline_target": Setting(None),
}


def settings_of(config: Config, given: Mapping[str, Any]) -> dict[str, Any]:
    """The section [replay] under the command line's options, with the defaults. Raises :class:`ConfigError`."""
    section = config.section("replay")
    settings: dict[str, Any] = {}
    for key, setting in SETTINGS.items():
        option = given.get(key)
        value = option if option is not None else section.get(key, setting.default)
        complaint = setting.complaint(value)
        if complaint is not None:
            raise ConfigError(
                f"[replay]: {key} {complaint}." if not setting.choices else f"[replay]: {key} = {complaint}."
            )
        settings[key] = value
    headers = section.get("headers", [])
    if not isinstance(headers, list) or not all(isinstance(line, str) for line in headers):
        raise ConfigError("[replay]: headers must be a list of strings.", hint='Like: headers = ["X-Env: test"]')
    settings["headers"] = [*headers, *given["headers"]]
    isolate = section.get("isolate", False)
    if not isinstance(isolate, bool):
        raise ConfigError("[replay]: isolate must be true or false.")
    settings["isolate"] = isolate or bool(given.get("isolate"))
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
    auth = Credentials.of(config.section("replay").get("auth", {}), os.environ)
    redaction = _with_headers(config.section("redact"), auth.header_names)
    target = given["target"] or (None if command else settings["target"])
    baseline = settings["baseline_target"]
    return ReplayPlan(
        output=output_of(capture, given["output"]),
        command=_startable(command, "-- CMD"),
        target=Target.parse(target) if target else None,
        only=parse(given["only"]) if given["only"] else None,
        endpoints=endpoints,
        headers=tuple(_header(line) for line in settings["headers"]),
        host=settings["host"],
        timeout=float(settings["timeout"]),
        max_body=_max_body(config),
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
        order=Order(settings["order"]),
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


def _max_body(config: Config) -> int:
    """That of [record]: what was kept whole in the recording is read whole again."""
    value = config.section("record").get("max_body", MAX_BODY)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError("[record]: max_body must be a whole number of bytes.")
    return value


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
