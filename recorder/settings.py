"""What ``retape record`` shall do: command line and ``retape.toml`` put together and checked. No I/O.

(But for a look into the upstream CA file.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from captures.config import Config, check_keys
from captures.errors import ConfigError, UsageError
from recorder.listeners import (
    LOOPBACK,
    Listener,
    Role,
    Target,
    authority,
    check_distinct,
    dependency,
    parse_dependency,
    parse_inbound,
    parse_outbound,
    parse_target,
)
from recorder.plan import DRAIN, MAX_BODY

READY_TIMEOUT = 60.0
SECRET_WORD = re.compile(r"(?i)^(-{0,2}[\w.-]*(?:pass|secret|token|key|credential|auth)[\w.-]*=).+")


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
    drain: float = DRAIN  # seconds
    ready_timeout: float = READY_TIMEOUT  # seconds


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


def settle(asked: Asked, config: Config, *, now: datetime, port: int) -> Settings:
    """Put ``asked`` and ``config`` together; the command line wins. ``port`` is a free one for CMD.

    Raises :class:`UsageError` or :class:`ConfigError`.
    """
    section = config.section("record")
    named = _configured_dependencies(config)
    inbound = asked.inbound or _strings(section, "inbound")
    if asked.command and not inbound and any("{port}" in word for word in asked.command):
        inbound = ("0",)  # a command that is told where to listen is a service: record what it is asked, too
    service = Target("http", LOOPBACK, port) if asked.command else None
    listeners = [parse_inbound(text, service) for text in inbound]
    to_command = any(one.target == service for one in listeners) and service is not None
    outbound = asked.outbound or next(iter(_strings(section, "outbound")), None)
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
    names = {
        authority(one.target.host, one.target.port): one.name for one in [*named, *given] if one.target is not None
    }
    ca = asked.upstream_ca or _optional_path(section, "upstream_ca")
    if ca is not None and not ca.is_file():
        raise UsageError(f"The upstream CA file {ca} does not exist.", hint="Give --upstream-ca a PEM file.")
    if ca is not None:
        _check_pem(ca)
    key = config.section("redact").get("key")
    return Settings(
        capture=asked.capture or Path(f"retape-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.sqlite"),
        listeners=tuple(listeners),
        command=asked.command,
        port=port if asked.command else None,
        await_ready=to_command,
        names=names,
        redaction=config.section("redact"),
        configured_key=key if isinstance(key, str) else None,
        duration=parse_duration(asked.duration, "--for") if asked.duration else None,
        label=asked.label or next(iter(_strings(section, "label")), None),
        upstream_ca=ca,
        insecure_upstream=asked.insecure_upstream or bool(section.get("insecure_upstream", False)),
        max_body=int(_number(section, "max_body", MAX_BODY)),
        drain=_number(section, "drain", DRAIN),
        ready_timeout=asked.ready_timeout or _number(section, "ready_timeout", READY_TIMEOUT),
    )


def parse_duration(text: str, option: str) -> float:
    """``90``, ``30s``, ``5m``, ``2h``, ``1m30s`` in seconds. Raises :class:`UsageError` naming ``option``."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UsageError(f"{option} {text!r} is not a duration.", hint="For example 30s, 5m or 1h30m.")
    seconds = sum(float(number) * units[unit] for number, unit in parts)
    if seconds <= 0:
        raise UsageError(f"{option} {text!r} is no time at all.", hint="For example 30s, 5m or 1h30m.")
    return seconds


def shown_command(command: Sequence[str]) -> list[str]:
    """``command`` for the capture: the values of words like ``--api-token=…`` are left out."""
    return [SECRET_WORD.sub(r"\1***", word) for word in command]


def dependency_urls(listeners: Sequence[Listener]) -> dict[str, dict[str, str]]:
    """``{name: {"url": ..., "env": ...}}`` of the dependency listeners: a replay opens the same ones."""
    return {
        one.name: {"url": one.target.url + one.path, "env": one.variable}
        for one in listeners
        if one.role is Role.DEPENDENCY and one.target is not None
    }


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


def _strings(section: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = section.get(key, ())
    if isinstance(value, str | int) and not isinstance(value, bool):
        return (str(value),)
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise ConfigError(f"[record] {key} must be text or a list of texts.")


def _optional_path(section: Mapping[str, Any], key: str) -> Path | None:
    return next((Path(text) for text in _strings(section, key)), None)


def _number(section: Mapping[str, Any], key: str, default: float) -> float:
    value = section.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError(f"[record] {key} must be a number.")
    return value
