"""What a recorder listens on, parsed from the command line: pure, no sockets.

``LISTEN`` is ``[HOST:]PORT`` (loopback unless said otherwise, 0 for a free port), ``TARGET`` a URL without a path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from captures.errors import UsageError
from captures.model import authority

LOOPBACK = "127.0.0.1"
DEFAULT_PORTS = {"http": 80, "https": 443}


class Role(StrEnum):
    """What a listener is for."""

    INBOUND = "inbound"  # reverse proxy in front of the service
    OUTBOUND = "outbound"  # forward proxy the service uses
    DEPENDENCY = "dependency"  # reverse proxy in front of one dependency


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reverse listener forwards to."""

    scheme: str  # "http" or "https"
    host: str  # lower case, IPv6 without brackets
    port: int

    @property
    def url(self) -> str:
        """``http://host:port``, the port always shown."""
        return f"{self.scheme}://{authority(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class Listener:
    """One socket to listen on."""

    role: Role
    host: str
    port: int  # 0: any free one
    target: Target | None = None  # None for the forward proxy
    name: str = ""  # a dependency's name
    variable: str = ""  # the environment variable that hands its URL to CMD
    path: str = ""  # base path of a dependency's URL ("/v2"), handed on in the variable

    def to_json(self) -> dict[str, Any]:
        """For the pipe to the proxy process."""
        target = self.target and [self.target.scheme, self.target.host, self.target.port]
        return {"role": self.role.value, "host": self.host, "port": self.port, "target": target, "name": self.name}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json` (without the variable, which is the parent's business)."""
        target = Target(*value["target"]) if value["target"] else None
        return cls(Role(value["role"]), value["host"], value["port"], target, value["name"])


def parse_listen(text: str, option: str) -> tuple[str, int]:
    """``[HOST:]PORT`` as host and port. Raises :class:`UsageError` naming ``option``."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or LOOPBACK
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(
            f"{option} {text!r}: {port!r} is not a port.",
            hint="Write [HOST:]PORT, for example 8080, or 0 for a free one.",
        )
    return host, int(port)


def parse_target(text: str, option: str) -> tuple[Target, str]:
    """A URL (or ``host:port``, meaning http) as a target and its path (without a trailing slash).

    Raises :class:`UsageError` naming ``option``.
    """
    url = text if "://" in text else f"http://{text}"
    hint = "Write a URL, for example http://127.0.0.1:8000."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a URL: {error}.", hint=hint) from error
    if parts.scheme not in DEFAULT_PORTS:
        raise UsageError(f"{option} {text!r}: the scheme {parts.scheme!r} is not http or https.", hint=hint)
    if not parts.hostname:
        raise UsageError(f"{option} {text!r} names no host.", hint=hint)
    if parts.username or parts.query or parts.fragment:
        raise UsageError(f"{option} names a URL with more than scheme, host, port and path.", hint=hint)
    target = Target(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme])
    return target, parts.path.rstrip("/")


def parse_inbound(text: str, service: Target | None) -> Listener:
    """``LISTEN[=TARGET]``; without TARGET ``service`` (where CMD listens) is the target."""
    listen, equals, where = text.partition("=")
    host, port = parse_listen(listen, "--inbound")
    if not equals:
        if service is None:
            raise UsageError(
                f"--inbound {text}: where should the traffic go?",
                hint=f"Name the service, --inbound {text}=http://127.0.0.1:8000, or start it: -- CMD.",
            )
        return Listener(Role.INBOUND, host, port, service)
    target, path = parse_target(where, "--inbound")
    if path:
        raise UsageError(
            f"--inbound {text}: a target has no path; requests keep the path they came with.",
            hint=f"Write --inbound {listen}={target.url}.",
        )
    return Listener(Role.INBOUND, host, port, target)


def parse_outbound(text: str) -> Listener:
    """``LISTEN`` of the forward proxy."""
    host, port = parse_listen(text, "--outbound")
    return Listener(Role.OUTBOUND, host, port)


def parse_dependency(text: str) -> Listener:
    """``NAME=URL[@ENV]``; ENV defaults to ``NAME_URL`` in upper case."""
    name, equals, rest = text.partition("=")
    if not equals or not name.strip() or not rest:
        raise UsageError(
            f"--dependency {text!r} is not NAME=URL[@ENV].",
            hint="For example --dependency payments=https://api.payments.test@PAYMENTS_URL.",
        )
    url, _, variable = rest.rpartition("@") if re.search(r"@[A-Za-z_]\w*$", rest) else (rest, "", "")
    return dependency(name.strip(), url, variable)


def dependency(name: str, url: str, variable: str = "") -> Listener:
    """A reverse listener for the dependency called ``name``."""
    target, path = parse_target(url, f"--dependency {name}")
    variable = variable or re.sub(r"\W", "_", name).upper() + "_URL"
    return Listener(Role.DEPENDENCY, LOOPBACK, 0, target, name, variable, path)


def check_free(metrics: tuple[str, int], listeners: Iterable[Listener]) -> None:
    """Raise :class:`UsageError` when a listener of the traffic's wants the port of ``--metrics``."""
    host, port = metrics
    if port and any(one.port == port and (_reaches(one.host, host) or _reaches(host, one.host)) for one in listeners):
        raise UsageError(f"--metrics {authority(host, port)}: a listener has that port.", hint="Give it another, or 0.")


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a socket on ``host``. (A name other than localhost may mean anything.)"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reaches(host: str, listening: str) -> bool:
    """Whether a connection to ``host`` arrives at a socket on ``listening`` (ports being equal)."""
    here = {LOOPBACK, "localhost"}
    if listening in ("0.0.0.0", "::"):  # noqa: S104 - a comparison, not a bind
        return host in {*here, "::1", listening}
    return host == listening or {host, listening} <= here


def check_distinct(listeners: Iterable[Listener]) -> None:
    """Raise :class:`UsageError` when two listeners want one port, two dependencies one name or variable.

    Or when a listener would pass requests on to itself.
    """
    addresses: set[tuple[str, int]] = set()
    names: set[str] = set()
    variables: set[str] = set()
    for one in listeners:
        if one.port and (one.host, one.port) in addresses:
            raise UsageError(
                f"Two listeners want {authority(one.host, one.port)}.", hint="Give each a port of its own, or 0."
            )
        addresses.add((one.host, one.port))
        if one.target is not None and one.port == one.target.port and _reaches(one.target.host, one.host):
            raise UsageError(
                f"--{one.role} {authority(one.host, one.port)} would pass requests on to itself.",
                hint="Let the service listen on another port, and name that one as the target.",
            )
        if one.role is not Role.DEPENDENCY:
            continue
        if one.name in names:
            raise UsageError(f"Two dependencies are called {one.name!r}.", hint="Give each a name of its own.")
        if one.variable in variables:
            raise UsageError(
                f"Two dependencies are handed over in {one.variable}.", hint="Name the variable: NAME=URL@ENV."
            )
        names.add(one.name)
        variables.add(one.variable)
