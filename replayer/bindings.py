"""Recorded value -> the value that stands in its place in this replay, and finding them again in text. Pure.

Two strengths. A *strong* value (a uuid, a token) means the same wherever it stands, so it is replaced wherever it
stands as a whole token, also percent-encoded. A *weak* one (``17``) means an order only where an order's id is
expected, so it is bound together with the noun it is an id of and replaced only there.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from captures.flows.mentions import FRAMING, MAX_TEXT
from captures.model import Request
from replayer.chains import Chains
from replayer.substitution import RUN, Runs, Substitution, longest_run, runs_of

__all__ = ["LIMIT", "Binding", "Bindings", "Substitution"]

LIMIT = 150_000  # bindings remembered, oldest forgotten first, under 1 KB each: memory stays flat on an endless capture
WORDS = 100_000  # said lately, in each of two generations
_DISPUTED = " (the first of two that differ now; the other: "
CANDIDATES = 8  # live values remembered for one recorded value


@dataclass(frozen=True, slots=True)
class Binding:
    """``recorded`` stands for ``live`` in this replay. ``origin`` says where that was seen, without values."""

    recorded: str
    live: str
    origin: str
    noun: str | None = None  # None: strong
    order: int = 0  # of the source: the id of the recorded exchange, so that "latest" means the same in every replay
    tentative: bool = False  # counts once a request names the thing by it


class Bindings:
    """Everything bound so far, both ways round.

    A recorded value that two sources showed and that they now disagree about keeps both live values: a use takes that
    of the latest source before it.
    """

    def __init__(self, limit: int = LIMIT, chains: Chains | None = None) -> None:
        self._limit = limit
        self.chains = chains or Chains()  # what [[chain]] names, which wins over all of this
        self._strong: OrderedDict[str, tuple[Binding, ...]] = OrderedDict()  # by order
        self._weak: OrderedDict[tuple[str, str], Binding] = OrderedDict()
        self._weak_back: dict[tuple[str, str], str] = {}
        self._recorded_runs: Counter[str] = Counter()  # of weak values
        self._live_runs: Counter[str] = Counter()
        self.forward = Substitution()  # recorded -> live, identities
        self.backward = Substitution()  # live -> recorded
        self.times = Substitution()  # recorded -> live, points in time: for requests only (cursors), never for answers
        self._times: OrderedDict[str, None] = OrderedDict()
        self._validators: OrderedDict[tuple[bytes, bytes], tuple[bytes, str]] = OrderedDict()
        self._tentative: OrderedDict[tuple[str, str], Binding] = OrderedDict()
        self.used: OrderedDict[tuple[str, str], Binding] = OrderedDict()  # of the weak ones, what a request was given
        self.given = Seen()  # words that clients said and no answer was bound to: theirs, never the build's to make

    def live(self, recorded: str) -> str | None:
        """What strong ``recorded`` is bound to, by its latest source."""
        bindings = self._strong.get(recorded)
        return bindings[-1].live if bindings else None

    def candidates(self, recorded: str) -> tuple[Binding, ...]:
        """Every live value that strong ``recorded`` may stand for, by the order of their sources."""
        return self._strong.get(recorded, ())

    def recorded(self, live: str) -> str | None:
        """The recorded value strong ``live`` stands for."""
        return self.backward.latest(live)

    def bind(self, binding: Binding) -> None:
        """Add ``binding``; one by the same source for the same recorded value gives way to it."""
        if binding.noun is not None:
            self._bind_weak(binding, binding.noun)
            return
        known = self._strong.pop(binding.recorded, ())
        kept = [one for one in known if one.order != binding.order][-CANDIDATES + 1 :]
        for one in known:
            if one not in kept:
                self._forget_live(one)
        self._strong[binding.recorded] = tuple(sorted((*kept, binding), key=lambda one: one.order))
        self.forward.add(binding.recorded, binding.live, binding.origin, binding.order)
        self.backward.add(binding.live, binding.recorded, binding.origin)
        if len(self._strong) > self._limit:
            recorded, gone = self._strong.popitem(last=False)
            self.forward.remove(recorded)
            for one in gone:
                self._forget_live(one)

    def dispute(self, binding: Binding) -> None:
        """The source that a value was bound by shows another live value for it, too: the first stays, and says so."""
        for one in self.candidates(binding.recorded):
            if one.order == binding.order and one.live != binding.live and _DISPUTED not in one.origin:
                self.bind(replace(one, origin=f"{one.origin}{_DISPUTED}{binding.origin})"))
                return

    def bind_time(self, binding: Binding) -> None:
        """Bind a point in time, kept apart from identities."""
        self.times.add(binding.recorded, binding.live, binding.origin)
        self._times[binding.recorded] = None
        if len(self._times) > self._limit:
            self.times.remove(self._times.popitem(last=False)[0])

    def bind_validator(self, recorded: bytes, live: bytes, origin: str, path: bytes = b"") -> None:
        """Bind an ETag or Last-Modified value, which conditional requests bring back whole (RFC 9110 section 13).

        Two resources may have equal tags: the one of ``path`` counts for requests to it, the latest for all others.
        """
        for key in dict.fromkeys(((path, recorded), (b"", recorded))):
            self._validators[key] = (live, origin)
            self._validators.move_to_end(key)
            if len(self._validators) > self._limit:
                self._validators.popitem(last=False)

    def validator(self, recorded: bytes, path: bytes = b"") -> tuple[bytes, str] | None:
        """The live value of a validator that a request to ``path`` brings, and where it was seen.

        A tag is known without its ``W/`` too: intermediaries make tags weak that clients make strong again.
        """
        for tag in (recorded, b"W/" + recorded, recorded.removeprefix(b"W/")):
            found = self._validators.get((path, tag)) or self._validators.get((b"", tag))
            if found is None:
                continue
            if recorded.startswith(b"W/") and not found[0].startswith(b"W/"):
                return b"W/" + found[0], found[1]
            return (found[0] if tag == recorded else found[0].removeprefix(b"W/"), found[1])
        return None

    @property
    def any_value(self) -> bool:
        """Whether anything could be carried into a request, but for validators."""
        return bool(self._weak) or bool(self.forward) or bool(self.times)

    def may_stand_in(self, runs: Runs) -> bool:
        """Whether a text of these runs may hold a recorded value that something stands for."""
        return (
            self.forward.may_stand_in(runs)
            or self.times.may_stand_in(runs)
            or not self._recorded_runs.keys().isdisjoint(runs)
        )

    def hear(self, runs: Runs, order: int = 0) -> None:
        """A client says ``runs`` (in recorded exchange ``order``): what nothing is bound to is its own."""
        self.given.add(self.forward.unknown(runs), order)

    def is_given(self, binding: Binding) -> bool:
        """Whether a client had said the recorded value before the source of ``binding`` showed it."""
        first = self.given.first(binding.recorded)
        return first is not None and (not binding.order or first < binding.order)

    def weak(self, recorded: str, noun: str) -> Binding | None:
        """The binding of ``recorded`` as an id of ``noun``."""
        return self._weak.get((recorded, noun))

    def suggest(self, binding: Binding) -> None:
        """Keep a weak ``binding`` that says too little by itself."""
        self._tentative[binding.recorded, binding.noun or ""] = binding
        if len(self._tentative) > self._limit:
            self._tentative.popitem(last=False)

    def suggested(self, recorded: str, noun: str) -> Binding | None:
        """What may stand for ``recorded`` as an id of ``noun``."""
        return self._tentative.get((recorded, noun))

    @property
    def any_suggested(self) -> bool:
        """Whether there is such a binding."""
        return bool(self._tentative)

    def use(self, binding: Binding) -> None:
        """A weak ``binding`` was put into a request: the recording says by that that the value flows."""
        self.used[binding.recorded, binding.noun or ""] = binding
        if len(self.used) > self._limit:
            self.used.popitem(last=False)

    def weak_recorded(self, live: str, noun: str) -> str | None:
        """The recorded id of ``noun`` that ``live`` stands for."""
        return self._weak_back.get((live, noun))

    @property
    def any_weak(self) -> bool:
        """Whether a weak binding exists."""
        return bool(self._weak)

    def weak_runs(self, *, back: bool) -> AbstractSet[str]:
        """A run of letters and digits of each weak value: a text with none of them holds none."""
        return self._live_runs.keys() if back else self._recorded_runs.keys()

    def _bind_weak(self, binding: Binding, noun: str) -> None:
        old = self._weak.pop((binding.recorded, noun), None)
        if old is not None:
            self._forget_weak(old, noun)
        self._tentative.pop((binding.recorded, noun), None)
        self._weak[binding.recorded, noun] = binding
        self._weak_back[binding.live, noun] = binding.recorded
        self._recorded_runs[longest_run(binding.recorded)] += 1
        self._live_runs[longest_run(binding.live)] += 1
        if len(self._weak) > self._limit:
            (_, other), gone = self._weak.popitem(last=False)
            self._forget_weak(gone, other)

    def _forget_weak(self, binding: Binding, noun: str) -> None:
        self._weak_back.pop((binding.live, noun), None)
        for runs, value in ((self._recorded_runs, binding.recorded), (self._live_runs, binding.live)):
            run = longest_run(value)
            runs[run] -= 1
            if runs[run] <= 0:
                del runs[run]

    def _forget_live(self, binding: Binding) -> None:
        self.backward.remove(binding.live)


def runs_said(request: Request) -> frozenset[str]:
    """The runs of letters and digits in a request, but for the headers that frame it."""
    headers = b"\n".join(value for name, value in request.headers if name.lower() not in FRAMING)
    return runs_of((request.target + b"\n" + headers + b"\n" + request.body[:MAX_TEXT]).decode("latin-1"))


class Seen:
    """Which words were said, by their runs of letters and digits, and by which exchange first.

    Two generations, so that memory stays flat.
    """

    LEAST = 4  # characters of a run that says something

    def __init__(self, limit: int = WORDS) -> None:
        self._limit = limit
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._latest = 0  # of those that said what is young
        self.generation = 0  # grows when what is old is forgotten: what was added before has to be added again

    def add(self, runs: Runs, order: int = 0) -> None:
        """Remember ``runs``, said by exchange ``order``."""
        young = self._young
        if order < self._latest:  # of several at once, a later one was first
            for run in runs:
                if len(run) >= self.LEAST and order <= young.get(run, order):
                    young[run] = order
        else:
            self._latest = order
            for run in runs.difference(young):
                if len(run) >= self.LEAST:
                    young[run] = order
        if len(young) > self._limit:
            self._old, self._young, self._latest = young, {}, 0
            self.generation += 1

    def first(self, value: str) -> int | None:
        """The first exchange by which all of ``value`` was said, or None."""
        found: list[int] = []
        for run in RUN.findall(value):
            if len(run) < self.LEAST:
                continue
            said = [order for order in (self._young.get(run), self._old.get(run)) if order is not None]
            if not said:
                return None
            found.append(min(said))
        return max(found, default=None)

    def __contains__(self, value: str) -> bool:
        return self.first(value) is not None
