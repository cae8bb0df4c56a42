"""``[replay.auth]``: fresh credentials in place of recorded ones, which are pseudonyms or have expired.

    [replay.auth]
    headers = { Authorization = "Bearer ${API_TOKEN}" }   # environment variables are filled in
    cookie = "sid=${SESSION}"
    basic = "ci:${CI_PASSWORD}"
    jwt_key = "${JWT_KEY}"                                # signs recorded JWTs (HS256…) again, valid now
    login = { method = "POST", path = "/login", json = { user = "ci", password = "${CI_PASSWORD}" }, token = "$.token" }

    [[replay.auth.as]]                                    # for requests that were recorded as somebody else
    recorded = "x-user: ann*"
    headers = { Authorization = "Bearer ${ANN_TOKEN}" }

Put only where a request was recorded with such a credential: who was nobody stays nobody. What a login of this replay
itself minted (``chaining``) stays. Values stand in memory alone: never in a run, a log, an error or a report.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from captures.config import check_keys
from captures.errors import ConfigError
from captures.model import Request
from captures.settings.replaying_keys import AS, AUTH
from replayer.carrying import Change
from replayer.login import Came, Login, answer_to, filled, login_of
from replayer.signing import Signer

BASIC = b"basic "


@dataclass(frozen=True, slots=True)
class Identity:
    """Credentials of one client. ``recorded``: (header, glob over its recorded value) of its requests; None: any."""

    label: str
    recorded: tuple[str, str] | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)  # by lower-case name
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic: bytes | None = field(default=None, repr=False)  # the whole header value
    login: Login | None = None

    def is_of(self, request: Request) -> bool:
        """Whether ``request``, as recorded, was this client's."""
        if self.recorded is None:
            return True
        name, pattern = self.recorded
        return any(
            key.decode("latin-1").lower() == name and fnmatchcase(value.decode("latin-1"), pattern)
            for key, value in request.headers
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """All identities, special ones first, and the key that signs JWTs."""

    identities: tuple[Identity, ...] = ()
    jwt_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, section: Mapping[str, Any], environ: Mapping[str, str]) -> Credentials:
        """``[replay.auth]``. Raises :class:`ConfigError`; a message never holds a value."""
        check_keys(section, AUTH.names, "[replay.auth]")
        entries = section.get("as", [])
        special: list[Identity] = []
        for number, entry in enumerate(entries, start=1):
            here = f"[[replay.auth.as]] {number}"
            check_keys(entry, AS.names, here)
            special.append(_identity(entry, here, environ))
        general = {key: value for key, value in section.items() if key not in ("as", "jwt_key")}
        default = (_identity(general, "[replay.auth]", environ),) if general else ()
        key = section.get("jwt_key")
        signing = filled(key, environ, "[replay.auth] jwt_key").encode() if key is not None else None
        return cls((*special, *default), signing)

    def __bool__(self) -> bool:
        return bool(self.identities) or self.jwt_key is not None

    def fresh(self, recorded: Request, request: Request) -> tuple[Request, list[Change]]:
        """``request`` with fresh credentials in the place of recorded ones, and where, without their values.

        ``recorded`` is what ``request`` was made of: a value that differs there was minted in this replay, and stays.
        """
        identity = next((one for one in self.identities if one.is_of(recorded)), None)
        if identity is None:
            return request, []
        changes: list[Change] = []
        headers: list[tuple[bytes, bytes]] = []
        cookies = [value for name, value in recorded.headers if name.lower() == b"cookie"]
        kept = {pair.strip() for value in cookies for pair in value.split(b";")}
        for name, value in request.headers:
            lower, new = name.lower(), value
            if lower == b"cookie" and identity.cookies:
                pairs = value.split(b";")
                new = b";".join(
                    _fresh_cookie(identity.cookies, pair) if pair.strip() in kept else pair for pair in pairs
                )
            elif (name, value) in recorded.headers:
                new = _fresh_header(identity, lower, value)
            if new != value:
                changes.append(Change(f"header {lower.decode('latin-1')}", f"supplied by {identity.label}"))
            headers.append((name, new))
        return (replace(request, headers=tuple(headers)), changes) if changes else (request, [])

    def signer(self, now: Callable[[], float]) -> Signer | None:
        """What signs recorded JWTs again, when a key is given. ``now``: Unix seconds."""
        return Signer(self.jwt_key, now) if self.jwt_key else None

    @property
    def supplied(self) -> frozenset[str]:
        """The places of requests that need no value of the recording: ``header authorization``, ``cookie sid``."""
        places: set[str] = set()
        for identity in self.identities:
            places.update(f"header {name.decode('latin-1')}" for name in identity.headers)
            places.update(f"cookie {name}" for name in identity.cookies)
            if identity.login is not None and identity.login.token is not None:
                places.add(f"header {identity.login.header[0]}")
            if identity.basic is not None:
                places.add("header authorization")
        return frozenset(places)

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names of the headers that are supplied: their values are secrets, whatever they are called."""
        names = {name.decode("latin-1") for identity in self.identities for name in identity.headers}
        names.update(identity.login.header[0] for identity in self.identities if identity.login is not None)
        return tuple(sorted(names))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every supplied value that must not reach the disk, wherever it stands."""
        found: set[str] = set()
        for identity in self.identities:
            found.update(value.decode("utf-8", "replace") for value in identity.headers.values())
            found.update(value.decode("utf-8", "replace").rpartition(" ")[2] for value in identity.headers.values())
            found.update(identity.cookies.values())
            if identity.basic is not None:
                found.add(identity.basic[len(BASIC) :].decode("ascii"))
        return tuple(sorted(value for value in found if value))


def _fresh_header(identity: Identity, name: bytes, value: bytes) -> bytes:
    if name == b"authorization" and identity.basic is not None and value.lower().startswith(BASIC):
        return identity.basic
    return identity.headers.get(name, value)


def _fresh_cookie(cookies: Mapping[str, str], pair: bytes) -> bytes:
    label, equals, _ = pair.partition(b"=")
    known = cookies.get(label.strip().decode("latin-1"))
    return label + equals + known.encode("utf-8") if equals and known is not None else pair


def _identity(entry: Mapping[str, Any], here: str, environ: Mapping[str, str]) -> Identity:
    headers = entry.get("headers", {})
    if not isinstance(headers, Mapping):
        raise ConfigError(f"{here}: headers must be a table.", hint='headers = { Authorization = "Bearer ${TOKEN}" }')
    given = {
        str(name).lower().encode("latin-1", "replace"): _header_value(value, environ, f"{here} headers.{name}")
        for name, value in headers.items()
    }
    basic = entry.get("basic")
    pair = filled(basic, environ, f"{here} basic") if basic is not None else None
    if pair is not None and ":" not in pair:
        raise ConfigError(f'{here}: basic must be "user:password".')
    identity = Identity(
        here,
        _recorded(entry.get("recorded"), here) if here != "[replay.auth]" else None,
        given,
        _cookies(filled(entry.get("cookie", ""), environ, f"{here} cookie"), here),
        b"Basic " + base64.b64encode(pair.encode()) if pair is not None else None,
        login_of(entry["login"], environ, f"{here} login") if "login" in entry else None,
    )
    if not (identity.headers or identity.cookies or identity.basic or identity.login):
        raise ConfigError(f"{here} supplies nothing.", hint="Give headers, cookie, basic or login.")
    return identity


def _header_value(value: Any, environ: Mapping[str, str], here: str) -> bytes:
    text = filled(value, environ, here)
    if re.search(r"[\r\n\0]", text):
        raise ConfigError(f"{here}: a header's value is one line.")
    return text.encode("utf-8")


def _recorded(value: Any, here: str) -> tuple[str, str]:
    name, colon, pattern = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not name.strip() or not pattern.strip():
        raise ConfigError(
            f"{here}: recorded says whose requests are meant, by a header as it was recorded.",
            hint='Like: recorded = "x-user: ann*" (see: retape capture show CAPTURE ID)',
        )
    return name.strip().lower(), pattern.strip()


def _cookies(text: str, here: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split(";") if text else ():
        name, equals, value = pair.strip().partition("=")
        if not equals or not name or re.search(r"[\r\n\0]", value):
            raise ConfigError(f'{here}: cookie must be "name=value; name=value".')
        found[name] = value
    return found


async def logged_in(
    credentials: Credentials, place: tuple[str, str, int], send: Callable[[Request], Awaitable[Came]]
) -> Credentials:
    """``credentials`` after the logins they ask for were sent to ``place`` (scheme, host, port), one after another.

    Raises :class:`TargetError` when one is refused, fails, or brings no token.
    """
    identities: list[Identity] = []
    for identity in credentials.identities:
        login = identity.login
        if login is not None:
            headers, cookies = login.taken(await answer_to(login, login.request(*place), send))
            identity = replace(
                identity,
                headers={**identity.headers, **{name.lower(): value for name, value in headers}},
                cookies={**identity.cookies, **cookies},
            )
        identities.append(identity)
    return replace(credentials, identities=tuple(identities))
