"""Headers that say who may read, who may store and where to go: what a change of their values means.

CORS is the Fetch standard (3.2), storing is RFC 9111 (5.2.2), redirects are RFC 9110 (10.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

ORIGIN = "access-control-allow-origin"
CREDENTIALS = "access-control-allow-credentials"
JUDGED = frozenset({ORIGIN, CREDENTIALS, "cache-control", "location"})


def judged(
    name: str, recorded: Sequence[str], replayed: Sequence[str], scope: str, origins: tuple[str, str] = ("", "")
) -> tuple[str, str] | None:
    """(class, evidence) of a header whose values differ, or None when no class of its own fits.

    ``scope``: endpoint and status (``GET /a 200``); ``origins``: the Origin that each request sent. Called before
    anything else is said of a value, but for ``location``: after it was found to be another one.
    """
    if name == ORIGIN:
        return _origin(_one(recorded), _one(replayed), origins)
    if name == CREDENTIALS:
        return _credentials(_one(recorded), _one(replayed))
    if name == "cache-control":
        return _storing(recorded, replayed, scope)
    if name == "location" and recorded and replayed:
        return _redirect(_one(recorded), _one(replayed), scope)
    return None


def _origin(old: str, new: str, origins: tuple[str, str]) -> tuple[str, str] | None:
    if new in ("", old):
        return None
    before = f"only {old}" if old else "no other origin"
    if new == "*":
        return "response.header.cors-widened", f"{before} may read the recorded answer, now every origin may"
    if new == "null":
        return "response.header.cors-widened", "sandboxed and local pages may read it: their origin is null"
    if not old:
        return "response.header.cors-widened", f"no other origin may read the recorded answer, now {new} may"
    reflected = new == origins[1] and (not origins[0] or old != origins[0])
    return ("response.header.cors-widened", "the origin that the request names is allowed") if reflected else None


def _credentials(old: str, new: str) -> tuple[str, str] | None:
    if new == "true" and old != "true":
        return "response.header.cors-widened", "other origins may now read the answer with the user's cookies"
    return None


def _storing(recorded: Sequence[str], replayed: Sequence[str], scope: str) -> tuple[str, str] | None:
    if not scope.startswith(("GET ", "HEAD ")):
        return None  # answers to other methods are stored by hardly anybody (RFC 9110, 9.2.3)
    old, new = _directives(recorded), _directives(replayed)
    if "no-store" in new:
        return None
    if "no-store" in old:
        return "response.header.cache-exposed", "no-store is gone: what nobody might store now may be stored"
    if "private" in old and "private" not in new:
        return "response.header.cache-exposed", "private is gone: shared caches may store it"
    return None


def _directives(values: Sequence[str]) -> set[str]:
    return {part.partition("=")[0].strip().lower() for value in values for part in value.split(",")}


def _redirect(old: str, new: str, scope: str) -> tuple[str, str] | None:
    status = scope.rpartition(" ")[2]
    if not (status.startswith("3") and status != "304"):
        return None
    before, after = urlsplit(old), urlsplit(new)
    if (before.path or "/", before.query, before.fragment) == (after.path or "/", after.query, after.fragment):
        if not before.netloc or not after.netloc:
            return None  # the same path, relative here and absolute there
        what = "scheme" if before.netloc == after.netloc else "host"
        return "response.redirect", f"to the same path on another {what}"
    return "response.redirect", "to another query" if before.path == after.path else "to another path"


def _one(values: Sequence[str]) -> str:
    return ", ".join(values).strip()
