"""What ``format`` of a rule may say, and whether a value is so formed: ``rfc3339 ms Z``, ``v4 lower``, ``sha256 hex``.

All words of a format hold together. ``recorded`` is the form that the recorded value has.
"""

from __future__ import annotations

import difflib
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from captures.errors import ConfigError
from diffing.rulebook.forms import DIGEST_FORMATS, digest_form
from diffing.values import moments
from diffing.values.volatile import shape_of
from diffing.walk.jsontypes import broad_type

_ISO = re.compile(r"\d{4}-\d\d-\d\d([Tt ])\d\d:\d\d(?:(:\d\d)(?:[.,](\d+))?)?(Z|z|[+-]\d\d:?(?:\d\d)?)?")
_PRECISIONS = {"min": None, "s": 0, "ms": 3, "us": 6, "ns": 9}
_FORMATS = {
    "timestamp": ("rfc3339", "http", "epoch", *_PRECISIONS, "Z", "offset", "local", "recorded"),
    "uuid": (*(f"v{number}" for number in range(1, 9)), "lower", "upper", "recorded"),
    "digest": (*DIGEST_FORMATS, "recorded"),
}


def compile_format(word: str, text: object, where: str) -> tuple[str, ...]:
    """The words of ``text``. Raises :class:`ConfigError` naming ``where`` for one that does not go with ``word``."""
    allowed = _FORMATS[word]
    tokens = text.split() if isinstance(text, str) else []
    for token in tokens:
        if token not in allowed:
            close = difflib.get_close_matches(token, allowed, n=1, cutoff=0.4)
            guess = f' Did you mean "{close[0]}"?' if close else ""
            raise ConfigError(
                f'{where}: format has the unknown word "{token}".{guess}',
                hint=f"With expect = {word!r} it is made of: {', '.join(allowed)}.",
            )
    if not tokens:
        raise ConfigError(f"{where}: format is empty.", hint=f"It is made of: {', '.join(allowed)}.")
    return tuple(tokens)


def formed(word: str, tokens: tuple[str, ...], recorded: Any, replayed: Any) -> bool:
    """Whether ``replayed`` has the form that every one of ``tokens`` asks of a ``word``."""
    check = {"timestamp": _moment_form, "uuid": _uuid_form, "digest": _digest_form}[word]
    return all(
        _as_recorded(recorded, replayed) if token == "recorded" else check(token, replayed)  # noqa: S105
        for token in tokens
    )


def _as_recorded(recorded: Any, replayed: Any) -> bool:
    if type(recorded) is not str or type(replayed) is not str:
        numbers = broad_type(recorded) == broad_type(replayed) == "number"
        return numbers and len(str(recorded).partition(".")[0]) == len(str(replayed).partition(".")[0])
    old, new = shape_of(recorded), shape_of(replayed)
    return old is not None and new is not None and (old.kind, old.facets) == (new.kind, new.facets)


def _moment_form(token: str, value: Any) -> bool:
    if token == "epoch" or type(value) is not str or (value.isdigit() and len(value) in (10, 13, 16, 19)):  # noqa: S105
        number = _number(str(value)) if broad_type(value) == "number" or type(value) is str else None
        moment = moments.read_epoch(float(number)) if number is not None else None
        return moment is not None and (token == "epoch" or token in ("Z",) or moment.facets[0] == token)  # noqa: S105
    if token == "http":  # noqa: S105
        moment = moments.read(value)
        return moment is not None and moment.kind == "http-date"
    match = _ISO.fullmatch(value)
    if match is None:
        return token == "s" and _moment_form("http", value)  # noqa: S105 - such dates count seconds
    separator, second, fraction, zone = match.groups()
    if token == "rfc3339":  # noqa: S105
        return separator in "Tt " and second is not None and zone is not None and (len(zone) in (1, 6))
    if token in _PRECISIONS:
        digits = _PRECISIONS[token]
        return second is None if digits is None else second is not None and len(fraction or "") == digits
    if token == "Z":  # noqa: S105
        return zone in ("Z", "z")
    return zone is None if token == "local" else zone is not None and zone not in ("Z", "z")  # noqa: S105


def _uuid_form(token: str, value: Any) -> bool:
    if type(value) is not str:
        return False
    text = value.removeprefix("urn:uuid:")
    if token in ("lower", "upper"):
        return text == (text.lower() if token == "lower" else text.upper())  # noqa: S105
    plain = text.replace("-", "")
    return len(plain) == 32 and plain[12].lower() == token[1]


def _digest_form(token: str, value: Any) -> bool:
    return token in (digest_form(value) or ())


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
