"""Values that any server makes anew: what ``<…>`` stands for in a probe of two honest plays of one build.

``<order:uuid>`` is another uuid on either side, and the same one wherever ``order`` stands in the probe; without a name
(``<uuid>``) it is new each time. Kinds, ``N`` being a length:

- ``uuid`` · ``hexN`` · ``HEXN`` · ``alnumN`` · ``lowerN`` (letters and digits) · ``upperN`` · ``base32N`` · ``digitsN``
- ``fromA-B``: a whole number of A to B; it stays a number where it is the whole string
- ``at``, ``at+60``, ``at-5`` (seconds from the exchange): ISO 8601 · ``at.ms`` with milliseconds · ``epoch`` and
  ``epoch.ms``: numbers · ``http``: the form of the Date header · ``strftime %Y…``, ``strftime+60 %Y…``
- ``objectid`` · ``snowflake``: ids that begin with the clock
- ``own``: the host and port the server runs at · ``ratio``: a number between 0 and 1
"""

from __future__ import annotations

import random
import re
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.diffing.pairs import NOW, THEN

LETTERS = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "alnum": LETTERS + LETTERS.upper() + "0123456789",
    "lower": LETTERS + "0123456789",
    "upper": LETTERS.upper() + "0123456789",
    "base32": LETTERS.upper() + "234567",
    "digits": "0123456789",
}
SNOWFLAKE_EPOCH = 1_288_834_974_657  # milliseconds
_PLACE = re.compile(r"<(?:(?P<name>\w+):)?(?P<kind>base32|[a-zA-Z]+)(?P<of>[^<>:]*(?:%[^<>]*)?)>")
_KINDS = {*ALPHABETS, "uuid", "from", "at", "epoch", "http", "strftime", "objectid", "snowflake", "own", "ratio"}


class Fresh:
    """The values of one side, seeded: every run of the tests sees the same ones."""

    def __init__(self, side: int) -> None:
        self._random = random.Random(1_000 + side)
        self._at = NOW if side else THEN
        self._own = f"127.0.0.1:{6000 if side else 5000}"
        self._named: dict[str, Any] = {}

    def filled(self, value: Any) -> Any:
        """``value`` with every place filled, names of members too."""
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if isinstance(value, dict):
            return {self.filled(name): self.filled(one) for name, one in value.items()}
        if not isinstance(value, str):
            return value
        whole = _PLACE.fullmatch(value)
        if whole and whole["kind"] in _KINDS:
            return self._value(whole)
        return _PLACE.sub(lambda place: str(self._value(place)) if place["kind"] in _KINDS else place[0], value)

    def _value(self, place: re.Match[str]) -> Any:
        name = place["name"]
        if name is None:
            return self._made(place["kind"], place["of"])
        if name not in self._named:
            self._named[name] = self._made(place["kind"], place["of"])
        return self._named[name]

    def _made(self, kind: str, of: str) -> Any:
        if kind in ALPHABETS:
            made = "".join(self._random.choice(ALPHABETS[kind]) for _ in range(int(of)))
            return made.replace("0", "1", 1) if kind == "digits" and made.startswith("0") else made
        if kind == "uuid":
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        if kind == "from":
            low, _, high = of.partition("-")
            return self._random.randrange(int(low), int(high) + 1)
        if kind == "objectid":
            return f"{int(self._at):08x}{self._random.getrandbits(64):016x}"
        if kind == "snowflake":
            return (int(self._at * 1000) - SNOWFLAKE_EPOCH << 22) + self._random.getrandbits(22)
        if kind == "ratio":
            return round(self._random.random(), 6)
        return self._own if kind == "own" else self._moment(kind, of)

    def _moment(self, kind: str, of: str) -> Any:
        if kind == "strftime":
            later, _, form = of.partition(" ")
            return datetime.fromtimestamp(self._at + float(later or 0), UTC).strftime(form)
        exact, later = of.startswith(".ms"), of.removeprefix(".ms")
        at = self._at + float(later or 0) + (round(self._random.random(), 3) if exact else 0)
        if kind == "epoch":
            return int(at * 1000) if exact else int(at)
        moment = datetime.fromtimestamp(at, UTC)
        if kind == "http":
            return format_datetime(moment, usegmt=True)
        return moment.isoformat(timespec="milliseconds" if exact else "seconds").replace("+00:00", "Z")
