"""How to see a drift by hand: a curl line, the command that replays just that exchange, and those that explain it.

None holds a secret, and each runs as it is printed: what is not known of it makes it empty.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from captures.formats.decoding import content_decoded
from captures.model import Exchange, Request
from diffing.model import Result

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
            words.append(f'-H "{_safe(text)}: ${_variable(text)}"')
        else:
            words.append(f"-H {shell_word(text + ': ' + value.decode('latin-1'))}")
    if request.body:
        words.append(_body(exchange.id, request))
    return " ".join(words)


def replay_command(capture: str, exchange: int, meta: Mapping[str, Any]) -> str:
    """The command that replays exchange ``exchange`` of ``capture`` alone, as the run with ``meta`` was made.

    Empty where the run does not say how: it is another recording, or was written by hand.
    """
    if not meta.get("command") and not meta.get("target"):
        return ""
    words = [shell_word(word) for word in ("retape", "replay", capture, "--only", f"id:{exchange}")]
    command, options = meta.get("command"), [[str(word) for word in given] for given in meta.get("options") or ()]
    if not command and meta.get("target") and not any(given[0] == "--target" for given in options):
        options.insert(0, ["--target", str(meta["target"])])
    for given in options:
        if given[0] == "--header":  # its value may be a secret, and is not in the run
            words.append(f'--header "{_safe(given[1])}: ${_variable(given[1])}"')
        else:
            words += [shell_word(word) for word in given]
    if command:
        words += ["--", *(shell_word(str(word)) for word in command)]
    return " ".join(words)


def _variable(name: str) -> str:
    """The shell variable that stands for the value of header ``name``."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def rules_command(verb: str, result: Result, words: Iterable[str], given: Iterable[str] = ()) -> str:
    """``retape rules explain`` of the run of ``result``. ``given``: the options it was compared with."""
    return _of_run(("rules", verb), result, words, given)


def decision_command(verb: str, result: Result, fingerprint: str, given: Iterable[str] = ()) -> str:
    """``retape accept``, ``ignore`` or ``reject`` of a group of ``result``."""
    return _of_run((verb,), result, (fingerprint,), given)


def review_command(result: Result, given: Iterable[str] = ()) -> str:
    """``retape review`` of the run of ``result``."""
    return _of_run(("review",), result, (), given)


def _of_run(verb: Iterable[str], result: Result, words: Iterable[str], given: Iterable[str]) -> str:
    source = result.meta.get("replayed", {}).get("source")
    named = () if source == result.recorded_path else ("--recorded", result.recorded_path)
    return " ".join(shell_word(word) for word in ("retape", *verb, result.replayed_path, *words, *named, *given))


def _url(base: str, target: str) -> str:
    return f'"{base}{_safe(target)}"' if base.endswith("$PORT") else shell_word(base + target)


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
    return f"--data-binary {shell_word(text)}"


def shell_word(text: str) -> str:
    """``text`` as one word of one line: with control characters as ``$'…'``, which bash, zsh and ksh read."""
    if not _CONTROL.search(text):
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_CONTROL.sub(_escape, plain)}'"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    # Octal by bytes and of fixed width: a digit that follows is never taken for part of it.
    return _SHORT.get(character) or "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
