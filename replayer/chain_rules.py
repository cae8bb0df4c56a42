"""``[[chain]]`` in ``retape.toml``: a flow that inference cannot see, or one that is none. Pure.

    [[chain]]
    name = "invoice number"
    from = "POST /orders json $.invoice.number"        # where the service shows it, in the words of a pin's bind:
    to = "GET /invoices/{number}"                      # where a client brings it back

    [[chain]]
    to = "POST /search json $.filter"                  # never = true: what stands there is sent as recorded
    never = true

A rule says what inference never would (chain ``1``), and it wins over inference where both speak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from captures.config import check_keys
from captures.errors import ConfigError
from captures.jsonpaths import JsonPath, compile_path
from captures.model import Request
from captures.settings.replaying_keys import CHAIN
from diffing.rulebook.patterns import UnsafePattern, safe_pattern

SOURCES = ("json", "header", "cookie", "text")
USES = ("path", "query", "header", "cookie", "json", "form", "text")
_LIKE = 'Like: from = "POST /orders json $.number", to = "GET /invoices/{number}" (or: to = "GET /x query number")'


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a message: at which endpoint, and where in it."""

    endpoint: re.Pattern[str]  # over "METHOD /path"; groups are the {names} of the path
    kind: str  # one of SOURCES or USES
    name: str = ""  # of the header, cookie, query or form field; the {name} or number of a path segment
    path: JsonPath | None = None
    pattern: re.Pattern[str] | None = None  # its first group is the value, or else the whole match

    def concerns(self, request: Request) -> re.Match[str] | None:
        """The match of the endpoint, when ``request`` is one of its requests."""
        path = request.target.partition(b"?")[0].decode("latin-1")
        return self.endpoint.fullmatch(f"{request.method} {path}")


@dataclass(frozen=True, slots=True)
class ChainRule:
    """One ``[[chain]]``. With ``never``: nothing is learnt from ``source``, nothing is replaced at ``use``."""

    name: str
    source: Place | None
    use: Place | None
    never: bool = False


def chain_rules(entries: Iterable[Mapping[str, Any]]) -> tuple[ChainRule, ...]:
    """The rules of ``[[chain]]`` tables. Raises :class:`ConfigError` that names the table."""
    return tuple(_rule(entry, number) for number, entry in enumerate(entries, start=1))


def _rule(entry: Mapping[str, Any], number: int) -> ChainRule:
    here = f"[[chain]] {number}"
    check_keys(entry, CHAIN.names, here)
    for key in ("name", "from", "to"):
        if not isinstance(entry.get(key, ""), str):
            raise ConfigError(f"{here}: {key} must be a string.", hint=_LIKE)
    never = entry.get("never", False)
    if not isinstance(never, bool):
        raise ConfigError(f"{here}: never must be true or false.")
    name = str(entry.get("name", "")) or f"chain {number}"
    source = _place(entry["from"], SOURCES, f"{here}: from") if entry.get("from") else None
    use = _place(entry["to"], USES, f"{here}: to") if entry.get("to") else None
    if never and (source is None) == (use is None):
        raise ConfigError(f"{here}: never wants from (never learn it there) or to (never put it there), one of both.")
    if not never and (source is None or use is None):
        raise ConfigError(f"{here} needs from and to.", hint=_LIKE)
    return ChainRule(name, source, use, never)


def _place(text: str, kinds: Sequence[str], here: str) -> Place:
    words = text.split(maxsplit=3)
    if len(words) < 2 or not words[1].startswith(("/", "*")):
        raise ConfigError(f'{here} = "{text}" does not begin with a method and a path.', hint=_LIKE)
    endpoint, names = _endpoint(words[0], words[1], here)
    if len(words) == 2 and "path" in kinds and len(names) == 1:
        return Place(endpoint, "path", names[0])
    kind = words[2].lower() if len(words) > 2 else ""
    rest = words[3].strip() if len(words) > 3 else ""
    if kind not in kinds or not rest:
        raise ConfigError(
            f'{here} = "{text}" names no place: one of {", ".join(kinds)} and what it is called.', hint=_LIKE
        )
    if kind == "json":
        return Place(endpoint, kind, path=compile_path(rest))
    if kind == "text":
        return Place(endpoint, kind, pattern=_pattern(rest, here))
    if kind == "header":
        name, _, pattern = rest.partition(" ")
        return Place(endpoint, kind, name.lower(), pattern=_pattern(pattern, here) if pattern.strip() else None)
    if kind == "path" and rest not in names and not (rest.isdigit() and int(rest) > 0):
        known = f"one of {', '.join(names)}, or a number" if names else "a number, 1 for the first"
        raise ConfigError(f'{here} = "{text}": there is no segment {rest}; name {known}.', hint=_LIKE)
    return Place(endpoint, kind, rest)


def _endpoint(method: str, path: str, here: str) -> tuple[re.Pattern[str], list[str]]:
    """A glob over method and path (``*`` crosses slashes, ``{name}`` is one segment), and the names in it."""
    names = re.findall(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", path)
    if len(set(names)) < len(names):
        raise ConfigError(f"{here}: a {{name}} stands twice in {path}.")
    stretches = re.split(r"\*+", f"{method.upper()} {path}")
    pattern = _stretch(stretches[0])
    for number, stretch in enumerate(stretches[1:], start=1):
        last = number == len(stretches) - 1
        # Where the next star takes over, the first place that fits is as good as any other: nothing is tried again.
        atomic = not last and "{" not in stretch
        pattern += f"(?>.*?{_stretch(stretch)})" if atomic else f".*{_stretch(stretch)}"
    return re.compile(pattern, re.DOTALL), names


def _stretch(text: str) -> str:
    """The pattern of a piece of a glob without stars."""
    return "".join(
        f"(?P<{piece[1:-1]}>[^/]+)"
        if piece.startswith("{") and piece.endswith("}")
        else "."
        if piece == "?"
        else re.escape(piece)
        for piece in re.split(r"(\{[A-Za-z_][A-Za-z0-9_]*\}|\?)", text)
    )


def _pattern(text: str, here: str) -> re.Pattern[str]:
    try:
        safe_pattern(text.strip())
        return re.compile(text.strip())
    except UnsafePattern as error:
        raise ConfigError(f'{here}: "{text.strip()}" {error}.') from error
    except re.error as error:
        raise ConfigError(f'{here}: "{text.strip()}" is no regular expression: {error}.') from error
