"""One message carried into other terms: every text of it, with what is encoded inside it. Pure.

Three passes over a text, each leaving alone what an earlier one replaced: values known by their looks; JWTs and base64
that hold such values; small ids at places that say what they are ids of (``weak_places``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from captures.flows.words import BASE64_TEXT, base64_text
from replayer import weak_places
from replayer.bindings import Bindings
from replayer.signing import JWT, Signer, claims_of
from replayer.substitution import Substitution, runs_of

_NESTED = re.compile(f"(?P<jwt>{JWT.pattern})|{BASE64_TEXT.pattern}")


UNSIGNED = "not signed again: redaction replaced the claims of this JWT, and nobody is called by a pseudonym"


@dataclass(frozen=True, slots=True)
class Change:
    """What was not sent as recorded. Holds no values."""

    where: str
    why: str

    def to_json(self) -> dict[str, str]:
        """As it stands in an exchange's notes."""
        return {"where": self.where, "why": self.why}


@dataclass(slots=True)
class Carrying:
    """One message on its way. ``back``: from live to recorded terms."""

    bindings: Bindings
    tables: Sequence[Substitution]
    before: int | None = None  # the exchange that the message is of: of several sources the latest before it counts
    back: bool = False
    signer: Signer | None = None
    pseudonyms: Container[str] = frozenset()  # places of the message in which redaction replaced something
    sent: float = 0.0  # when the message was recorded, Unix seconds: a signer moves times by what has passed since
    changes: list[Change] = field(default_factory=list)
    said: set[str] = field(default_factory=set)  # runs of letters and digits in all texts, as they came

    def text(self, text: str, where: str, weak: Callable[[str], str] | None = None) -> str:
        """``text`` in the other terms. ``weak`` is given what nothing else replaced, when a small id may be in it."""
        runs = runs_of(text)
        self.said |= runs
        small = self.bindings.any_weak
        if not small and self.signer is None and not any(self.tables):
            return text
        tables = [table for table in self.tables if table.may_stand_in(runs)]
        if weak is not None and (not small or self.bindings.weak_runs(back=self.back).isdisjoint(runs)):
            weak = None
        origins: list[str] = []

        def through(step: int, piece: str) -> str:
            if not piece:
                return piece
            if step < len(tables):
                piece, used = tables[step].apply(piece, self.before, lambda left: through(step + 1, left))
                origins.extend(used)
                return piece
            return self._nested(piece, where, weak)

        text = through(0, text)
        self.note(where, origins)
        return text

    def note(self, where: str, origins: Sequence[str]) -> None:
        """List what was replaced at ``where``."""
        if not self.back:
            self.changes += [Change(where, f"chained from {origin}") for origin in dict.fromkeys(origins)]

    def finder(self, where: str) -> weak_places.Find:
        """What stands for a small id of a noun."""

        def find(value: str, noun: str) -> str | None:
            if self.back:
                return self.bindings.weak_recorded(value, noun)
            binding = self.bindings.weak(value, noun)
            if binding is None:
                return None
            self.bindings.use(binding)
            self.note(where, [f"{binding.origin} (id of {noun})"])
            return binding.live

        return find

    # -- what is encoded ------------------------------------------------------------------------------------------

    def _nested(self, text: str, where: str, weak: Callable[[str], str] | None) -> str:
        pieces: list[str] = []
        done = 0
        tokens = "eyJ" in text
        for match in (_NESTED if tokens else BASE64_TEXT).finditer(text):
            is_token = tokens and match["jwt"]
            other = self._token(match[0], where) if is_token else self._base64(match[0], where)
            if other != match[0]:
                between = text[done : match.start()]
                pieces += (weak(between) if weak else between, other)
                done = match.end()
        rest = text[done:]
        pieces.append(weak(rest) if weak else rest)
        return "".join(pieces)

    def _base64(self, word: str, where: str) -> str:
        encoded = "%3" in word
        found = base64_text(word.replace("%3D", "=").replace("%3d", "=") if encoded else word)
        if found is None:
            return word
        inside = self._inside(found.text, f"{where}, base64")
        if inside == found.text:
            return word
        out = found.written(inside)
        return out.replace("=", "%3D") if encoded else out

    def _token(self, token: str, where: str) -> str:
        """A JWT that nobody minted in this recording: its claims are changed only if it can be signed again."""
        claims = claims_of(token)
        if claims is None or self.back:
            return token
        mark = len(self.changes)
        fresh = self._inside(claims, f"{where}, JWT")
        changed = fresh != claims
        if self.signer is not None and where in self.pseudonyms:
            del self.changes[mark:]
            self.changes.append(Change(where, UNSIGNED))
            return token
        if self.signer is not None:
            signed = self.signer.signed(token, fresh, self.sent)
            if signed is not None:
                self.changes.append(
                    Change(where, "JWT signed again with the jwt_key of [replay.auth], its times moved to now")
                )
                return signed
        if changed:
            del self.changes[mark:]
            why = "no [replay.auth] jwt_key is given" if self.signer is None else "its algorithm is not HMAC"
            self.changes.append(
                Change(where, f"not changed: a JWT names values that were made anew, and it cannot be signed: {why}")
            )
        return token

    def _inside(self, text: str, where: str) -> str:
        def weak(piece: str) -> str:
            find = self.finder(where)
            return weak_places.members(weak_places.named(piece, find), find)

        return self.text(text, where, weak)
