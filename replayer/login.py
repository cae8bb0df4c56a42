"""The login of ``[replay.auth]``: one request before the replay, whose answer's token goes into later requests.

Neither the request nor the answer is written anywhere; an error names status and place, never a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from captures.config import check_keys
from captures.errors import ConfigError, TargetError
from captures.formats.decoding import JsonBody, decode
from captures.jsonpaths import JsonPath, compile_path
from captures.model import Failure, Headers, Request, Response, authority
from captures.settings.replaying_keys import LOGIN

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = ("authorization", "Bearer {token}")


class Came(Protocol):
    """What a client says of one request."""

    @property
    def response(self) -> Response | None:
        """The answer."""

    @property
    def failure(self) -> Failure | None:
        """Why there is none."""


@dataclass(frozen=True, slots=True)
class Login:
    """A request that logs in, and where the token goes. ``token`` None: only its cookies are taken."""

    method: str
    path: str
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    token: JsonPath | None = None
    header: tuple[str, str] = _HEADER  # name in lower case, value with {token}
    cookies: bool = True

    def request(self, scheme: str, host: str, port: int) -> Request:
        """It, addressed to the build."""
        headers = ((b"Host", authority(host, port).encode("latin-1", "replace")), *self.headers)
        if self.body or self.method not in ("GET", "HEAD"):
            headers = (*headers, (b"Content-Length", b"%d" % len(self.body)))
        return Request(self.method, scheme, host, port, self.path.encode(), headers, self.body)

    def taken(self, answer: Response) -> tuple[Headers, dict[str, str]]:
        """Headers and cookies for later requests. Raises :class:`TargetError` where the token is missing."""
        headers: Headers = ()
        if self.token is not None:
            body = decode(answer.body, answer.headers)
            found = [value for _, value in self.token.find(body.value)] if isinstance(body, JsonBody) else []
            token = found[0] if found else None
            if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,16384}", token):
                raise TargetError(
                    f"The answer to {self.title} has no token at {self.token.text}.",
                    hint="Check token, a JSON path into the login's answer.",
                )
            headers = ((self.header[0].encode(), self.header[1].replace("{token}", token).encode()),)
        cookies: dict[str, str] = {}
        for name, value in answer.headers if self.cookies else ():
            if name.lower() == b"set-cookie":
                label, equals, text = value.partition(b";")[0].decode("utf-8", "replace").partition("=")
                if equals:
                    cookies[label.strip()] = text.strip()
        if not headers and not cookies:
            raise TargetError(f"The answer to {self.title} sets no cookie.", hint="Say where its token is: token = …")
        return headers, cookies

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"the login of [replay.auth] ({self.method} {self.path.partition('?')[0]})"


async def answer_to(login: Login, request: Request, send: Callable[[Request], Awaitable[Came]]) -> Response:
    """The answer to a login. Raises :class:`TargetError` when it is refused or nothing comes."""
    came = await send(request)
    if came.response is None:
        kind = came.failure.kind.value if came.failure is not None else "no answer"
        raise TargetError(f"{login.title[0].upper()}{login.title[1:]} failed: {kind}.", hint="Does the build listen?")
    if came.response.status >= 400:
        raise TargetError(
            f"{login.title[0].upper()}{login.title[1:]} was answered with {came.response.status}.",
            hint="Check its user, password and fields in retape.toml and the environment.",
        )
    return came.response


def login_of(entry: Any, environ: Mapping[str, str], here: str) -> Login:
    """The login that a table describes. Raises :class:`ConfigError`."""
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{here} must be a table.", hint='login = { method = "POST", path = "/login", json = {…} }')
    check_keys(entry, LOGIN.names, here)
    path = entry.get("path")
    if not isinstance(path, str) or not path.startswith("/") or re.search(r"\s", path):
        raise ConfigError(f"{here}: path must be a path of the service.", hint='Like: path = "/login"')
    method = entry.get("method", "POST")
    if not isinstance(method, str) or not re.fullmatch(r"[A-Za-z]+", method):
        raise ConfigError(f"{here}: method must be a word.")
    given = entry.get("headers", {})
    if not isinstance(given, Mapping):
        raise ConfigError(f"{here}: headers must be a table.")
    headers: Headers = tuple(
        (str(name).encode("latin-1", "replace"), _line(filled(value, environ, f"{here} headers.{name}"), here))
        for name, value in given.items()
    )
    kind, body = _body(entry, environ, here)
    if kind and not any(name.lower() == b"content-type" for name, _ in headers):
        headers = (*headers, (b"Content-Type", kind))
    token = entry.get("token")
    if token is not None and not isinstance(token, str):
        raise ConfigError(f"{here}: token must be a JSON path.", hint='Like: token = "$.access_token"')
    cookies = entry.get("cookies", True)
    if not isinstance(cookies, bool):
        raise ConfigError(f"{here}: cookies must be true or false.")
    path = filled(path, environ, f"{here} path")
    return Login(
        method.upper(), path, headers, body, compile_path(token) if token else None, _header(entry, here), cookies
    )


def _header(entry: Mapping[str, Any], here: str) -> tuple[str, str]:
    text = entry.get("header")
    if text is None:
        return _HEADER
    name, colon, value = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not colon or not name.strip() or "{token}" not in value or re.search(r"[\r\n]", value):
        raise ConfigError(
            f"{here}: header must name a header and hold {{token}}.", hint='"Authorization: Bearer {token}"'
        )
    return name.strip().lower(), value.strip()


def _body(entry: Mapping[str, Any], environ: Mapping[str, str], here: str) -> tuple[bytes, bytes]:
    if "json" in entry and "form" in entry:
        raise ConfigError(f"{here} has json and form; a request has one body.")
    if "json" in entry:
        value = _deep(entry["json"], environ, f"{here} json")
        return b"application/json", json.dumps(value, ensure_ascii=False).encode()
    if "form" in entry:
        fields = entry["form"]
        if not isinstance(fields, Mapping):
            raise ConfigError(f"{here}: form must be a table.")
        pairs = {str(name): filled(value, environ, f"{here} form.{name}") for name, value in fields.items()}
        return b"application/x-www-form-urlencoded", urlencode(pairs).encode()
    return b"", b""


def _deep(value: Any, environ: Mapping[str, str], here: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep(child, environ, f"{here}.{key}") for key, child in value.items()}
    if isinstance(value, list):
        return [_deep(child, environ, here) for child in value]
    return filled(value, environ, here) if isinstance(value, str) else value


def _line(text: str, here: str) -> bytes:
    if re.search(r"[\r\n\0]", text):
        raise ConfigError(f"{here}: a header's value is one line.")
    return text.encode("utf-8")


def filled(value: Any, environ: Mapping[str, str], here: str) -> str:
    """``value`` with ``${NAME}`` filled in from the environment. Raises :class:`ConfigError`, which shows no value."""
    if not isinstance(value, str):
        raise ConfigError(f"{here} must be a string.")

    def one(match: re.Match[str]) -> str:
        found = environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"{here}: the environment variable {match[1]} is not set.", hint=f"Set it: {match[1]}=… retape replay …"
            )
        return found

    return _VARIABLE.sub(one, value)
