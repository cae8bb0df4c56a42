"""What ``retape record`` shall do: command line and ``retape.toml`` put together and checked. No I/O.

(But for a look into the upstream CA file.)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from captures.config import Config, check_keys
from captures.errors import ConfigError, UsageError
from captures.model import authority
from captures.quantities import seconds_of, size_of
from captures.rotation import Rotation
from recorder import choosing
from recorder.choosing import Choice
from recorder.listeners import (
    LOOPBACK,
    Listener,
    Role,
    Target,
    check_distinct,
    check_free,
    dependency,
    parse_dependency,
    parse_inbound,
    parse_listen,
    parse_outbound,
    parse_target,
)
from recorder.plan import DRAIN, MAX_BODY, MAX_MESSAGES, MAX_QUEUE
from recorder.rotating import parse_rotation

READY_TIMEOUT = 60.0
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Overload(StrEnum):
    """What gives way when exchanges come faster than they can be written."""

    DROP = "drop"  # the recording: what does not fit into the queue is counted
    BLOCK = "block"  # the traffic: new requests wait for room


@dataclass(frozen=True, slots=True)
class Settings:
    """A recording, as asked for."""

    capture: Path
    listeners: tuple[Listener, ...]
    command: tuple[str, ...] = ()
    port: int | None = None  # CMD's
    await_ready: bool = False  # CMD is the target of an inbound listener
    names: Mapping[str, str] = field(default_factory=dict)  # "host:port" -> dependency, for the forward proxy
    redaction: Mapping[str, Any] = field(default_factory=dict)
    configured_key: str | None = None
    duration: float | None = None  # seconds
    label: str | None = None
    upstream_ca: Path | None = None
    insecure_upstream: bool = False
    max_body: int = MAX_BODY  # bytes
    max_messages: int = MAX_MESSAGES  # of one exchange
    max_queue: int = MAX_QUEUE  # bytes
    on_overload: Overload = Overload.DROP
    rotation: Rotation | None = None
    workers: int = 1
    drain: float = DRAIN  # seconds
    ready_timeout: float = READY_TIMEOUT  # seconds
    metrics: tuple[str, int] | None = None  # host and port of /metrics and /healthz
    inject_trace: bool = False  # a traceparent for requests without a trace
    choice: Choice = field(default_factory=Choice)


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's part, unparsed."""

    inbound: tuple[str, ...] = ()
    outbound: str | None = None
    dependencies: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    capture: Path | None = None
    duration: str | None = None
    label: str | None = None
    upstream_ca: Path | None = None
    insecure_upstream: bool = False
    ready_timeout: float | None = None
    metrics: str | None = None
    on_overload: str | None = None
    rotate: str | None = None
    keep: str | None = None
    inject_trace: bool = False
    max_body: str | None = None
    choice: Choice = field(default_factory=Choice)
    workers: int | None = None


def settle(asked: Asked, config: Config, *, now: datetime, port: int) -> Settings:
    """Put ``asked`` and ``config`` together; the command line wins. ``port`` is a free one for CMD.

    Raises :class:`UsageError` or :class:`ConfigError`.
    """
    named = _configured_dependencies(config)
    inbound = asked.inbound or tuple(map(str, config.value("record", "inbound") or ()))
    if asked.command and not inbound and any("{port}" in word for word in asked.command):
        inbound = ("0",)  # a command that is told where to listen is a service: record what it is asked, too
    service = Target("http", LOOPBACK, port) if asked.command else None
    listeners = [parse_inbound(text, service) for text in inbound]
    to_command = any(one.target == service for one in listeners) and service is not None
    outbound = asked.outbound or _listen(config.value("record", "outbound"))
    if outbound is None and asked.command:
        outbound = "0"
    if outbound is not None:
        listeners.append(parse_outbound(outbound))
    given = [parse_dependency(text) for text in asked.dependencies]
    listeners += given
    listeners += [
        one for one in named if one.variable and asked.command and one.name not in {other.name for other in given}
    ]
    if not listeners:
        raise UsageError(
            "There is nothing to record: no listener and no command.",
            hint="For example: retape record --inbound 8080=http://127.0.0.1:8000, or: retape record -- CMD.",
        )
    check_distinct(listeners)
    names = _names([*named, *given])
    ca = asked.upstream_ca or config.value("record", "upstream_ca")
    if ca is not None and not ca.is_file():
        raise UsageError(f"The upstream CA file {ca} does not exist.", hint="Give --upstream-ca a PEM file.")
    if ca is not None:
        _check_pem(ca)
    metrics = asked.metrics or _listen(config.value("record", "metrics"))
    watched = parse_listen(metrics, "--metrics") if metrics else None
    if watched is not None:
        check_free(watched, listeners)
    rotation = parse_rotation(asked.rotate or config.value("record", "rotate"), asked.keep or _keep(config))
    started = "" if rotation else f"-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"  # the files of a series name their own times
    return Settings(
        capture=asked.capture or Path(f"retape{started}.sqlite"),
        listeners=tuple(listeners),
        command=asked.command,
        port=port if asked.command else None,
        await_ready=to_command,
        names=names,
        redaction=config.section("redact"),
        configured_key=config.redaction_key(),
        duration=parse_duration(asked.duration, "--for") if asked.duration else None,
        label=asked.label or config.value("record", "label"),
        upstream_ca=ca,
        insecure_upstream=asked.insecure_upstream or config.value("record", "insecure_upstream"),
        max_body=_max_body(asked.max_body, config),
        max_messages=config.value("record", "max_messages"),
        max_queue=config.value("record", "max_queue"),
        on_overload=Overload(asked.on_overload or config.value("record", "on_overload")),
        workers=asked.workers or config.value("record", "workers"),
        drain=config.value("record", "drain"),
        ready_timeout=_ready_timeout(asked.ready_timeout, config),
        metrics=watched,
        rotation=rotation,
        inject_trace=asked.inject_trace or config.value("record", "inject_trace"),
        choice=choosing.settled(asked.choice, config.section("record")),
    )


def _max_body(text: str | None, config: Config) -> int:
    if text is None:
        size: int = config.value("record", "max_body")
        return size
    given = int(text) if text.isdecimal() else size_of(text)
    if given is None:
        raise UsageError(f"--max-body {text!r} is not a size.", hint="For example 1MB, 64MiB, or a number of bytes.")
    return given


def _listen(value: Any) -> str | None:
    """A port, a host and port, or a list of one of them, as it is given on the command line."""
    return str(value[0] if isinstance(value, list) else value) if value is not None else None


def _keep(config: Config) -> str | None:
    value = config.value("record", "keep")
    return None if value is None else str(value)


def parse_duration(text: str, option: str) -> float:
    """``90``, ``30s``, ``5m``, ``2h``, ``1m30s`` in seconds. Raises :class:`UsageError` naming ``option``."""
    seconds = float(text) if _NUMBER.fullmatch(text) else seconds_of(text)
    if seconds is None:
        raise UsageError(f"{option} {text!r} is not a duration.", hint="For example 30s, 5m or 1h30m.")
    if seconds <= 0:
        raise UsageError(f"{option} {text!r} is no time at all.", hint="For example 30s, 5m or 1h30m.")
    return seconds


def dependency_urls(listeners: Sequence[Listener]) -> dict[str, dict[str, str]]:
    """``{name: {"url": ..., "env": ...}}`` of the dependency listeners: a replay opens the same ones."""
    return {
        one.name: {"url": one.target.url + one.path, "env": one.variable}
        for one in listeners
        if one.role is Role.DEPENDENCY and one.target is not None
    }


def dependency_names(config: Config) -> dict[str, str]:
    """``{"host:port": name}`` of ``[dependencies]``."""
    return _names(_configured_dependencies(config))


def _names(listeners: Sequence[Listener]) -> dict[str, str]:
    return {authority(one.target.host, one.target.port): one.name for one in listeners if one.target is not None}


def _check_pem(file: Path) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except OSError as error:  # an SSLError is one
        raise UsageError(
            f"The upstream CA file {file} holds no PEM certificate that can be read.",
            hint="It must hold -----BEGIN CERTIFICATE----- blocks; convert DER with: openssl x509 -inform der.",
        ) from error


def _configured_dependencies(config: Config) -> list[Listener]:
    """``[dependencies]``: ``name = "URL"``, or ``name = {url = "URL", env = "VARIABLE"}`` to get a listener as well."""
    found = []
    for name, value in config.section("dependencies").items():
        if isinstance(value, str):
            target, _ = parse_target(value, f"[dependencies] {name}")
            found.append(Listener(Role.DEPENDENCY, LOOPBACK, 0, target, name))
        elif isinstance(value, Mapping):
            check_keys(value, ("url", "env"), f"[dependencies] {name}")
            if not isinstance(value.get("url"), str) or not isinstance(value.get("env", ""), str):
                raise ConfigError(f"[dependencies] {name}: url and env must be text.")
            one = dependency(name, value["url"], value.get("env", ""))
            found.append(one if "env" in value else Listener(Role.DEPENDENCY, LOOPBACK, 0, one.target, name))
        else:
            raise ConfigError(f'[dependencies] {name} must be a URL, for example {name} = "https://api.{name}.test".')
    return found


def _ready_timeout(asked: float | None, config: Config) -> float:
    if asked is None:
        seconds: float = config.value("record", "ready_timeout")
        return seconds
    if not 0 < asked < math.inf:
        raise UsageError(f"--ready-timeout {asked:g} is no time to wait.", hint="For example 60, in seconds.")
    return asked


def examine(config: Config) -> None:
    """Read ``[record]``, ``[dependencies]`` and ``[redact]`` as a recording does. Raises :class:`UsageError`."""
    from captures.redacting.redaction import RedactionPolicy

    RedactionPolicy.from_config(config.section("redact"))
    settle(Asked(command=("CMD",)), config, now=datetime.now(UTC), port=1)
