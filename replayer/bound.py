"""What a replay has bound so far: the live values, which only memory holds, and of them what may be written down.

With it goes what was *not* made: an exchange that needs such a value is withheld, with its reason.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from captures.model import Exchange
from captures.telling import COOKIE, is_told, is_unlike_words
from captures.tokens import CURSOR
from replayer.bindings import Binding, Bindings
from replayer.chain_rules import ChainRule
from replayer.chaining import absorb, learn
from replayer.chains import Chains
from replayer.sources import Sources

SESSION = 12
"""Characters of a cookie's value that is no setting, though it looks like a word."""
NUMBERS = frozenset({"number", "no", "ref"})
"""Fields that hold the number of a thing and do not say so to everybody."""
MAX_BINDINGS = 50_000  # written into the run


class Bound:
    """``shown``: recorded value -> new one, both as redaction leaves them, for the run.

    ``withheld``: (exchange that was not sent, the one whose failure it follows from).
    """

    def __init__(self, rules: Sequence[ChainRule] = ()) -> None:
        self.bindings = Bindings(chains=Chains(rules))
        self.shown: dict[str, str] = {}
        self._named: dict[tuple[str, str], str] = {}  # (recorded value, noun) -> new one, as redaction leaves both
        self._ruled: dict[tuple[str, str], str] = {}  # (recorded value, field) -> new one, of what [[chain]] names
        self.withheld: list[tuple[int, int]] = []
        self._sources = Sources(self.bindings)

    def supply(self, places: Container[str]) -> None:
        """From now on somebody else puts the values at ``places`` of requests: none of them can be missing."""
        self._sources = Sources(self.bindings, supplied=places)

    def withhold(self, recorded: Exchange) -> str | None:
        """Why ``recorded`` must not be sent: it needs a value that its source did not make in this replay."""
        because = self._sources.vanished(recorded)
        if because is None:
            return None
        self._sources.withheld(recorded, because)
        if len(self.withheld) < MAX_BINDINGS:
            self.withheld.append((recorded.id, because.root))
        return because.reason

    def absorb(self, recorded: Exchange, raw: Exchange, written: Exchange) -> None:
        """Learn the new ids of ``raw``, the answer to ``recorded``; ``written`` is ``raw`` after redaction."""
        if recorded.response is None or raw.response is None:
            self._sources.answered(recorded, raw.response, raw.failure)
            return
        origin = f"exchange {recorded.id}"
        at = recorded.timing.started
        fresh = absorb(
            self.bindings, recorded.request, recorded.response, raw.response, origin, at=at, order=recorded.id
        )
        self._sources.answered(recorded, raw.response, raw.failure)
        if fresh and written.response is not raw.response and written.response is not None:
            settled = {(binding.recorded, binding.noun) for binding in fresh}
            shown = learn(recorded.request, recorded.response, written.response, origin, at=at)
            fresh = [binding for binding in shown if (binding.recorded, binding.noun) in settled]
        for binding in fresh:
            self.note(binding)
        chains = self.bindings.chains
        if chains and written.response is not None and len(self._ruled) < MAX_BINDINGS:
            for value, name, new in chains.pairs(recorded.request, recorded.response, written.response):
                self._ruled[value, name] = new

    def note(self, binding: Binding) -> None:
        """Keep a binding, both sides redacted, for the run; of one by a noun :meth:`named` tells later."""
        if binding.noun is not None:
            if len(self._named) < MAX_BINDINGS:
                self._named[binding.recorded, binding.noun] = binding.live
        elif len(self.shown) < MAX_BINDINGS:
            self.shown[binding.recorded] = binding.live

    def named(self) -> list[list[str]]:
        """What is bound by a noun or named by [[chain]], for the run: (recorded, new, kind, name).

        Of nouns only what a recorded request brings back, and no word or number that clients share.
        """
        rows: list[list[str]] = []
        for (recorded, noun), live in self._named.items():
            used = self.bindings.used.get((recorded, noun))
            if used is None or not _tells(recorded, noun):
                continue
            number = recorded.isdigit() and not is_told(noun)
            rows.append([recorded, live, "id" if number else "value", noun])
            field = used.origin.rpartition(".")[2]
            if number and field in NUMBERS:
                rows.append([recorded, live, "field", field])
        return rows + [[recorded, live, "field", name] for (recorded, name), live in self._ruled.items()]


def _tells(recorded: str, noun: str) -> bool:
    """Whether a value says by itself which one it is, rather than being a setting that was stored in a cookie."""
    if noun == CURSOR:
        return not recorded.isdigit()  # a number may be an offset, which is data
    return not noun.startswith(COOKIE) or len(recorded) >= SESSION or is_unlike_words(recorded)
