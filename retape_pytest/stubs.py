"""What the fixture ``retape_stubs`` gives to a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from retape_pytest.companion import Companion


@dataclass(frozen=True)
class RetapeCall:
    """One call that came to the stubs. Of a capture's stubs, secrets in it are the capture's pseudonyms."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int | None  # of the answer; None when the stub broke off, as recorded
    dependency: str
    matched: str  # how its stub was found; "" for a miss
    why: str = ""  # of a miss

    @property
    def missed(self) -> bool:
        """Whether no stub answered it."""
        return not self.matched

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.url} -> {'missed' if self.missed else self.status or 'broken off'}"


class RetapeStubs:
    """A running stub server, for as long as the test runs."""

    def __init__(self, variables: Mapping[str, str], companion: Companion) -> None:
        self.env = dict(variables)
        """Proxy and CA variables for clients: requests, httpx, curl, Node, Go; aiohttp with ``trust_env=True``."""
        self._companion = companion

    @property
    def proxy(self) -> str:
        """URL of the forward proxy that all dependencies are behind."""
        return self.env["HTTP_PROXY"]

    @property
    def ca(self) -> str:
        """Path of the certificates to trust for https."""
        return self.env["SSL_CERT_FILE"]

    def apply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set :attr:`env` in this process, for clients made after this."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    @property
    def calls(self) -> list[RetapeCall]:
        """Every call so far, in order."""
        return [
            RetapeCall(
                row["method"], row["url"], tuple((name, value) for name, value in row["headers"]),
                row["body"].encode("latin-1"), row["status"], row["dependency"], row["matched"], row["why"],
            )
            for row in self._companion.ask("calls")["calls"]
        ]  # fmt: skip

    @property
    def misses(self) -> list[RetapeCall]:
        """The calls that no stub answered."""
        return [call for call in self.calls if call.missed]

    def assert_called(self, method: str, url: str, times: int | None = None) -> list[RetapeCall]:
        """That calls with this method and this text in their URL came (``times``: so many); these calls."""
        calls = self.calls
        found = [call for call in calls if call.method == method.upper() and url in call.url]
        wanted = "at least one call" if times is None else f"{times} call{'' if times == 1 else 's'}"
        if len(found) != times if times is not None else not found:
            came = "\n".join(f"  {call}" for call in calls) or "  none"
            raise AssertionError(f"expected {wanted} {method.upper()} …{url}, got {len(found)}. All that came:\n{came}")
        return found

    def assert_no_misses(self) -> None:
        """That every call had its stub."""
        missed = self.misses
        if missed:
            lines = "\n".join(f"  {call.method} {call.url}{f' ({call.why})' if call.why else ''}" for call in missed)
            raise AssertionError(f"{len(missed)} calls that no stub answers:\n{lines}")

    def assert_all_used(self) -> None:
        """That no stub was left uncalled."""
        unused = int(self._companion.ask("calls")["unused"])
        if unused:
            raise AssertionError(f"{unused} stubs were not called.")
