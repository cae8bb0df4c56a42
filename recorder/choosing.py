"""Which exchanges go on the tape: those that the filters mean, and what belongs to them. No sockets, no clock.

``only`` and ``exclude`` are about what clients ask. The calls of the service follow the request that caused them
(:mod:`recorder.gate`); ``only_calls`` and ``exclude_calls`` leave out further ones. A filter may ask for the response,
so a request is decided when it has ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from captures.errors import ConfigError, UsageError
from captures.model import Direction, Exchange
from recorder.filters import Filter, read

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow

_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%|/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """What shall be recorded, as asked for: filter expressions."""

    only: str | None = None
    exclude: str | None = None
    only_calls: str | None = None
    exclude_calls: str | None = None
    sample: float | None = None  # the share of sessions, above 0 and below 1

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not any(self.to_json().values())

    def to_json(self) -> dict[str, Any]:
        """Without what was not asked for."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**value)


def settled(asked: Choice, section: Mapping[str, Any]) -> Choice:
    """``asked`` on the command line, else what ``[record]`` says. Raises :class:`UsageError` for a bad expression."""
    found: dict[str, str | None] = {}
    for name in ("only", "exclude", "only_calls", "exclude_calls"):
        value, option = getattr(asked, name), "--" + name.replace("_", "-")
        if value is None and (value := section.get(name)) is not None:
            option = f"[record] {name}"
            if not isinstance(value, str):
                raise ConfigError(f"{option} must be a filter expression.", hint='Like: "~m POST & ~u /orders"')
        if value is not None:
            read(value, option)
        found[name] = value
    share = asked.sample
    if share is None and (value := section.get("sample")) is not None:
        share = parse_share(str(value), "[record] sample")
    return Choice(**found, sample=None if share == 1 else share)


def parse_share(text: str, option: str) -> float:
    """``10%``, ``1/10`` or ``0.1`` as a part of one. Raises :class:`UsageError` naming ``option``."""
    match = _SHARE.fullmatch(text)
    share = -1.0
    if match is not None:
        number, over = float(match[1]), match[2] or ""
        divisor = 100.0 if over == "%" else float(over[1:] or 1)
        share = number / divisor if divisor else -1.0
    if not 0 < share <= 1:
        raise UsageError(f"{option} {text!r} is no share of the sessions.", hint="For example 10%, 1/10 or 0.1.")
    return share


class Chooser:
    """The filters of a recording."""

    def __init__(self, choice: Choice) -> None:
        self._requests = Filter(choice.only, choice.exclude)
        self._calls = Filter(choice.only_calls, choice.exclude_calls)
        self._early = choice.sample is None and not self._requests.asks_for_answers

    def asked(self, flow: HTTPFlow, body: Callable[[], bytes]) -> bool | None:
        """A client's request is complete: whether it is kept, where the filters ask for no more; else None."""
        return self._requests.keeps(flow, lambda: (body(), b"")) if self._early else None

    def opens(self, flow: HTTPFlow, exchange: Exchange) -> bool:
        """Whether an exchange whose messages are written while it goes on is kept, by what is known of it by then.

        A call is, whatever is decided later about the request that made it: nobody knows how long that takes.
        """
        asked = self._requests if exchange.direction is Direction.INBOUND else self._calls
        return asked.keeps(flow, lambda: (exchange.request.body, b""))

    def wants(self, flow: HTTPFlow, exchange: Exchange) -> bool:
        """Whether the filters mean ``exchange``, which has ended."""

        def bodies() -> tuple[bytes, bytes]:
            return exchange.request.body, exchange.response.body if exchange.response is not None else b""

        return (self._requests if exchange.direction is Direction.INBOUND else self._calls).keeps(flow, bodies)
