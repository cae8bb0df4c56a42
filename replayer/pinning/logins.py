"""Log-ins of a pin that no build can know: a pseudonym stands in place of the password, and no step made the account.

A pin of the log-in itself, and one that begins with it, fails on every build that looks at passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from replayer.naming import fields_of
from replayer.pinning.secrets import exchange_of
from replayer.pins import Pin, PinRequest
from replayer.touching import path_of

MENDING = (
    'record a test account with [redact] keep = ["password"]; or put a token that the build takes into a header '
    "(${NAME}), and take the log-in out (a replay has [replay.auth] for that)"
)
_PASSWORD = re.compile("pass(word|wd|phrase|code|wort)?|pwd|kennwort|senha|motdepasse|wachtwoord|contrase[nñ]a", re.I)
_SIGN_UP = re.compile("register|registrations?|sign-?up|join|enroll?|accounts?|users?|members?", re.I)


def unknown_logins(pin: Pin) -> Iterator[tuple[str, PinRequest]]:
    """``setup step 2``, or ``""`` for the pinned request itself, and the request, for each of them."""
    noted = pin.source.get("pseudonyms")
    places = [str(place) for place in noted] if isinstance(noted, Mapping) else []
    brought: set[str] = set()
    asked = [(f"setup step {at} ", step.request, step.status) for at, step in enumerate(pin.setup, 1)]
    asked.append(("", pin.request, pin.expect.status if pin.expect is not None else 0))
    for where, request, status in asked:
        sent = exchange_of(request, None).request
        passwords = {value for name, value in fields_of(sent.body, sent.headers) if _PASSWORD.fullmatch(_last(name))}
        hidden = any(place.startswith(f"{where}request.body") for place in places)
        if hidden and passwords - brought and _logs_in(request, status):
            yield where.strip(), request
        brought |= passwords


def _logs_in(request: PinRequest, status: int) -> bool:
    """Whether it was let in. What makes an account (201, or by its name) brings a password that is new to any build."""
    path = path_of(request.target.encode())
    makes = status == 201 or bool(path and _SIGN_UP.fullmatch(path[-1]))
    return request.method == "POST" and 200 <= status < 400 and not makes


def _last(name: str) -> str:
    return re.split(r"[._\[\]-]", name.rstrip("]"))[-1]
