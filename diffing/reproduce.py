"""How to see a drift by hand: a curl line, and the command that replays just that exchange. Neither holds a secret."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from captures.decoding import content_decoded
from captures.model import Exchange, Request

_SECRET = re.compile(
    r"auth|cookie|token|secret|session|api-?key|password|credential|signature|csrf|xsrf", re.IGNORECASE
)
_LEFT_OUT = frozenset(
    b"host content-length connection accept-encoding content-encoding transfer-encoding traceparent tracestate "
    b"user-agent keep-alive te".split()
)
LONGEST_BODY = 2_000  # characters
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028-\u202e\u2060-\u2069\ufeff]")
"""What acts instead of being seen: reports escape it in their own way, which a shell would take literally."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def curl_line(exchange: Exchange, target: str | None) -> str:
    """A curl line for an inbound request. Secrets are shell variables named after their header."""
    request = exchange.request
    base = (target or "http://127.0.0.1:$PORT").rstrip("/")
    words = ["curl -si"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != "GET" or request.body:
        words.append(f"-X {shlex.quote(request.method)}")
    words.append(_url(base, request.target.decode("latin-1")))
    for name, value in request.headers:
        if name.lower() in _LEFT_OUT:
            continue
        text = name.decode("latin-1")
        if _SECRET.search(text):
            words.append(f'-H "{_safe(text)}: ${re.sub(r"[^A-Z0-9]", "_", text.upper())}"')
        else:
            words.append(f"-H {_quoted(text + ': ' + value.decode('latin-1'))}")
    if request.body:
        words.append(_body(exchange.id, request))
    return " ".join(words)


def replay_command(capture: str, exchange: int, meta: Mapping[str, Any]) -> str:
    """The command that replays exchange ``exchange`` of ``capture`` alone, as the run with ``meta`` was made."""
    words = ["retape", "replay", capture, "--only", f"id:{exchange}"]
    command = meta.get("command")
    if command:
        words += ["--", *(str(word) for word in command)]
    elif meta.get("target"):
        words += ["--target", str(meta["target"])]
    return " ".join(_quoted(word) for word in words)


def _url(base: str, target: str) -> str:
    return f'"{base}{_safe(target)}"' if base.endswith("$PORT") else _quoted(base + target)


def _safe(text: str) -> str:
    """``text`` for inside double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", text)


def _body(identity: int, request: Request) -> str:
    try:
        text = content_decoded(request.body, request.headers).decode("utf-8")
    except ValueError:
        text = ""
    if not text or len(text) > LONGEST_BODY or "\x00" in text:
        return f"--data-binary @body  # the request body of exchange {identity}"
    return f"--data-binary {_quoted(text)}"


def _quoted(text: str) -> str:
    """``text`` as one word of one line: with control characters as ``$'…'``, which bash, zsh and ksh read."""
    if not _CONTROL.search(text):
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_CONTROL.sub(_escape, plain)}'"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    # Octal by bytes and of fixed width: a digit that follows is never taken for part of it.
    return _SHORT.get(character) or "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
