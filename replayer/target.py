"""Where the build listens: what ``--target`` may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from captures.errors import UsageError
from captures.model import authority


@dataclass(frozen=True, slots=True)
class Target:
    """Where the build listens."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises :class:`UsageError` unless ``url`` is ``http(s)://host[:port]``."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError as error:
            raise UsageError(f"The target {url} has a port that is not a number below 65536.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"The target {url} is not an http or https URL.", hint="Say --target http://127.0.0.1:8000"
            )
        if parts.path not in ("", "/") or parts.query or parts.username:
            raise UsageError(
                f"The target {url} holds more than scheme, host and port; requests go out with their recorded targets.",
                hint=f"Say --target {parts.scheme}://{parts.hostname}:{port or 80}",
            )
        return cls(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))

    @property
    def loopback(self) -> bool:
        """Whether the target is on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        return f"{self.scheme}://{authority(self.host, self.port)}"
