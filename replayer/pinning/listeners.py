"""Answers that name the listener a build was given for a dependency, in a pin's own words: the dependency's address.

That listener has another port in each recording, replay and run of pins, so a pin that expected one would never hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from captures.model import Response, header
from captures.store import Capture
from replayer.handovers import Dependencies, recorded_dependencies, recorded_listeners


@dataclass(frozen=True, slots=True)
class Listeners:
    """Pairs of authorities: a listener's, and that of the dependency it stood for."""

    pairs: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def of_captures(cls, captures: Iterable[Capture]) -> Listeners:
        """Those that a recording's calls came to, and those that a run of it, which comes after it, handed over."""
        known: dict[str, str] = {}
        for capture in captures:
            sessions = list(capture.sessions())
            dependencies = recorded_dependencies(sessions)
            for name, at in recorded_listeners(capture) if dependencies else ():
                if name in dependencies:
                    known[at] = urlsplit(dependencies[name][0]).netloc
            for session in sessions:
                for before, now in session.meta.get("handed_over") or ():
                    if before in known:
                        known[now] = known[before]
        return cls(tuple((at.encode(), stood_for.encode()) for at, stood_for in known.items()))

    @classmethod
    def handed(cls, dependencies: Dependencies, variables: Mapping[str, str]) -> Listeners:
        """Those that ``variables`` hand to a build."""
        named = ((variables[variable], url) for url, variable in dependencies.values() if variable in variables)
        return cls(tuple((urlsplit(at).netloc.encode(), urlsplit(url).netloc.encode()) for at, url in named))

    def translated(self, response: Response) -> Response:
        """``response`` with the dependency's address wherever it names a listener; not inside of a compressed body."""
        headers = tuple((name, self._translated(value)) for name, value in response.headers)
        plain = header(headers, "content-encoding") in (None, b"identity")
        body = self._translated(response.body) if plain else response.body
        if body != response.body:
            size = b"%d" % len(body)
            headers = tuple((name, size if name.lower() == b"content-length" else value) for name, value in headers)
        return replace(response, headers=headers, body=body)

    def _translated(self, text: bytes) -> bytes:
        for at, stood_for in self.pairs:
            if at in text:
                text = stood_for.join(re.split(rb"(?<![\w.-])" + re.escape(at) + rb"(?!\d)", text))
        return text
