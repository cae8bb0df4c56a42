"""Recorded value -> the value that stands in its place in this replay, and finding them again in text. Pure.

Two strengths. A *strong* value (a uuid, a token) means the same wherever it stands, so it is replaced wherever it
stands as a whole token, also percent-encoded. A *weak* one (``17``) means an order only where an order's id is
expected, so it is bound together with the noun it is an id of and replaced only there.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

LIMIT = 200_000  # bindings remembered, oldest forgotten first: memory stays flat on an endless capture

_RUN = re.compile(r"%[0-9A-Fa-f]{2}|([A-Za-z0-9]+)")
"""A run of letters and digits; %2F before one is an encoded slash, not its first two characters."""


@dataclass(frozen=True, slots=True)
class Binding:
    """``recorded`` stands for ``live`` in this replay. ``origin`` says where that was seen, without values."""

    recorded: str
    live: str
    origin: str
    noun: str | None = None  # None: strong


class Substitution:
    """Replaces whole tokens of a text, in time linear in the text however many tokens are known."""

    def __init__(self) -> None:
        self._by_run: dict[str, dict[str, tuple[str, str]]] = {}  # first run -> {value: (replacement, origin)}

    def add(self, value: str, replacement: str, origin: str) -> None:
        """Replace ``value`` by ``replacement`` from now on."""
        for old, new in {value: replacement, quote(value, safe=""): quote(replacement, safe="")}.items():
            run = _first_run(old)
            if run:
                self._by_run.setdefault(run, {})[old] = (new, origin)

    def remove(self, value: str) -> None:
        """Forget ``value``."""
        for old in (value, quote(value, safe="")):
            run = _first_run(old)
            values = self._by_run.get(run)
            if values is not None:
                values.pop(old, None)
                if not values:
                    del self._by_run[run]

    def __bool__(self) -> bool:
        return bool(self._by_run)

    def apply(self, text: str) -> tuple[str, list[str]]:
        """``text`` with every known token replaced, and the origins of the bindings used."""
        if not self._by_run:
            return text, []
        pieces: list[str] = []
        origins: list[str] = []
        done = 0
        for start, end, replacement, origin in self._found(text):
            if start < done:
                continue
            pieces += (text[done:start], replacement)
            origins.append(origin)
            done = end
        if not pieces:
            return text, []
        pieces.append(text[done:])
        return "".join(pieces), origins

    def _found(self, text: str) -> Iterator[tuple[int, int, str, str]]:
        known = self._by_run
        for run in _RUN.finditer(text):
            values = known.get(run[1]) if run[1] else None
            if values is None:
                continue
            for value in sorted(values, key=len, reverse=True):
                start = run.start() - value.index(run[1])
                end = start + len(value)
                if start >= 0 and text.startswith(value, start) and _whole(text, start, end):
                    yield (start, end, *values[value])
                    break


def _first_run(value: str) -> str:
    return next((run[1] for run in _RUN.finditer(value) if run[1]), "")


def _whole(text: str, start: int, end: int) -> bool:
    before = start == 0 or not text[start - 1].isalnum() or not text[start].isalnum()
    before = before or (start >= 3 and text[start - 3] == "%")
    return before and (end == len(text) or not text[end].isalnum() or not text[end - 1].isalnum())


class Bindings:
    """Everything bound so far, both ways round."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._strong: OrderedDict[str, Binding] = OrderedDict()
        self._recorded_of: dict[str, str] = {}  # live -> recorded
        self._weak: OrderedDict[tuple[str, str], Binding] = OrderedDict()
        self._weak_back: dict[tuple[str, str], str] = {}
        self.forward = Substitution()  # recorded -> live, identities
        self.backward = Substitution()  # live -> recorded
        self.times = Substitution()  # recorded -> live, points in time: for requests only (cursors), never for answers
        self._times: OrderedDict[str, None] = OrderedDict()
        self.validators: OrderedDict[bytes, tuple[bytes, str]] = OrderedDict()  # ETag, Last-Modified as a whole

    def live(self, recorded: str) -> str | None:
        """What strong ``recorded`` is bound to."""
        binding = self._strong.get(recorded)
        return binding.live if binding else None

    def recorded(self, live: str) -> str | None:
        """The recorded value strong ``live`` stands for."""
        return self._recorded_of.get(live)

    def bind(self, binding: Binding) -> None:
        """Add ``binding``; a newer one for the same recorded value takes its place."""
        if binding.noun is not None:
            self._bind_weak(binding, binding.noun)
            return
        old = self._strong.pop(binding.recorded, None)
        if old is not None:
            self._drop(old)
        self._strong[binding.recorded] = binding
        self._recorded_of[binding.live] = binding.recorded
        self.forward.add(binding.recorded, binding.live, binding.origin)
        self.backward.add(binding.live, binding.recorded, binding.origin)
        if len(self._strong) > self._limit:
            self._drop(self._strong.popitem(last=False)[1])

    def bind_time(self, binding: Binding) -> None:
        """Bind a point in time, kept apart from identities."""
        self.times.add(binding.recorded, binding.live, binding.origin)
        self._times[binding.recorded] = None
        if len(self._times) > self._limit:
            self.times.remove(self._times.popitem(last=False)[0])

    def bind_validator(self, recorded: bytes, live: bytes, origin: str) -> None:
        """Bind an ETag or Last-Modified value, which conditional requests bring back whole (RFC 9110 section 13)."""
        self.validators[recorded] = (live, origin)
        self.validators.move_to_end(recorded)
        if len(self.validators) > self._limit:
            self.validators.popitem(last=False)

    def weak(self, recorded: str, noun: str) -> Binding | None:
        """The binding of ``recorded`` as an id of ``noun``."""
        return self._weak.get((recorded, noun))

    def weak_recorded(self, live: str, noun: str) -> str | None:
        """The recorded id of ``noun`` that ``live`` stands for."""
        return self._weak_back.get((live, noun))

    @property
    def any_weak(self) -> bool:
        """Whether a weak binding exists."""
        return bool(self._weak)

    def _bind_weak(self, binding: Binding, noun: str) -> None:
        old = self._weak.pop((binding.recorded, noun), None)
        if old is not None:
            self._weak_back.pop((old.live, noun), None)
        self._weak[binding.recorded, noun] = binding
        self._weak_back[binding.live, noun] = binding.recorded
        if len(self._weak) > self._limit:
            key, gone = self._weak.popitem(last=False)
            self._weak_back.pop((gone.live, key[1]), None)

    def _drop(self, binding: Binding) -> None:
        self.forward.remove(binding.recorded)
        self.backward.remove(binding.live)
        self._recorded_of.pop(binding.live, None)
