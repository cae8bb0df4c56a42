"""What an answer newly gives away: a credential, a personal secret, the inside of the server (OWASP API3, CWE-209).

Both captures are redacted before they are written, and a pseudonym has the shape of what it stands for: names tell, and
so do the forms that need no name (a JSON Web Token, a vendor's key, a card number). Only what is new counts. A field
that holds a secret in the recording may hold another one; one that was masked, null or not there at all may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from captures.redacting.secret_headers import in_free_text, may_hold_credentials
from captures.redacting.secret_names import RedactionPolicy, Secrecy, looks_opaque, normal
from diffing.contract.internals import internals_in, new_internals
from diffing.model import ABSENT
from diffing.values.names import words

if TYPE_CHECKING:
    from diffing.contract.profile import Node

LOOKED_AT = 5_000  # values of a new part of a document

_POLICY = RedactionPolicy()
_PERSONAL = frozenset(
    "ssn socialsecuritynumber nationalid nationalinsurancenumber taxid taxnumber passportnumber iban cardnumber "
    "creditcard creditcardnumber pan pin pincode".split()
)
_MASKED = re.compile(
    r"[^\s*•●]{0,24}[*•●]{3,}\S{0,40}|(?:[*•●xX#]{4}[ -]?){2,}\w{0,4}|[xX]{4,}[-\d]*|#{4,}\d*"
    r"|[\[<({]?(?:redacted|masked|filtered|hidden|removed|secret)[\])>}]?",
    re.IGNORECASE,
)
_VENDORS = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}|\bgh[pousr]_[0-9A-Za-z]{30,}"
    r"|\bgithub_pat_\w{40,}|\bglpat-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\$2[abxy]\$\d\d\$[./\w]{50,}|\$argon2(?:i|d|id)\$|\bpbkdf2_\w+\$\d+\$"
)
_CARD = re.compile(r"[3-6][0-9](?:[ -]?[0-9]){11,17}")
_CARD_WORDS = frozenset({"card", "pan", "cc"})


def exposed(
    change: str, recorded: Any, replayed: Any, names: tuple[str, ...], node: Node | None
) -> tuple[str, str] | None:
    """("secret-exposed" or "internals-exposed", evidence) for what ``change`` brings into an answer, or None.

    ``names`` are the member names above the place, ``node`` is what the recording says of it.
    """
    if replayed is ABSENT or replayed is None or change in _HARMLESS:
        return None
    name = names[-1] if names else ""
    if isinstance(replayed, dict | list):
        fresh = () if isinstance(recorded, dict | list) else _fresh(replayed, name, node)
        return _first(fresh)
    return _scalar(recorded, replayed, name, node)


_HARMLESS = frozenset({"identity", "rule-broken", "array-order", "order-lost", "string-form", "number-form"})


def secret_in(name: str, value: Any) -> str:
    """Why the scalar ``value`` under member ``name`` is a secret, or nothing. Masked and empty ones are none."""
    if type(value) is int and len(str(abs(value))) >= 3:
        if _POLICY.is_secret_member(name) or normal(name) in _PERSONAL:
            return "its name says so"
        return "a card number" if _is_card(str(value), name) else ""
    if type(value) is not str or not value or masked(value):
        return ""
    secrecy = _POLICY.secrecy(name)
    if secrecy >= Secrecy.TEXT or (secrecy is Secrecy.OPAQUE and looks_opaque(value)) or normal(name) in _PERSONAL:
        return "its name says so"
    if _is_card(value, name):
        return "a card number"
    if _VENDORS.search(value):
        return "its form is that of a key"
    if may_hold_credentials(value) and in_free_text(value, lambda *_: "") != value:
        return "its form is that of a credential"
    return ""


def masked(value: Any) -> bool:
    """Whether ``value`` is a stand-in such as ``****1234``, ``[redacted]`` or ``a***@example.com``."""
    return type(value) is str and len(value) <= 80 and _MASKED.fullmatch(value.strip()) is not None


def _scalar(recorded: Any, replayed: Any, name: str, node: Node | None) -> tuple[str, str] | None:
    values = [value for value in node.values.counts if value != replayed] if node is not None else []
    if masked(recorded) and not masked(replayed) and len(str(replayed)) >= 4 and type(replayed) is not bool:
        return "secret-exposed", f"masked in the recording ({_times(node)}), now in clear"
    why = secret_in(name, replayed)
    if why and not secret_in(name, recorded) and not any(secret_in(name, value) for value in values):
        before = "null" if recorded is None else "not there" if recorded is ABSENT else "no secret"
        return "secret-exposed", f"{why}; {before} in the recording ({_times(node)})"
    if type(replayed) is str:
        found = new_internals(recorded if type(recorded) is str else "", replayed)
        if found and not any(type(value) is str and found in internals_in(value) for value in values):
            return "internals-exposed", f"{found}; none in the recording ({_times(node)})"
    return None


def _times(node: Node | None) -> str:
    return f"{node.seen} recorded samples" if node is not None and node.seen else "no recorded sample has it"


def _fresh(value: Any, name: str, node: Node | None) -> Iterator[tuple[str, Any]]:
    """(name, scalar) of everything in a new part of a document that stands at no recorded place."""
    stack: list[tuple[Any, str, Node | None]] = [(value, name, node)]
    room = LOOKED_AT
    while stack and room > 0:
        item, called, known = stack.pop()
        room -= 1
        if isinstance(item, dict):
            stack.extend((child, key, known.child(key) if known else None) for key, child in item.items())
        elif isinstance(item, list):
            stack.extend((child, called, known.items if known else None) for child in item)
        elif known is None or not known.seen:
            yield called, item


def _first(fresh: Iterator[tuple[str, Any]] | tuple[()]) -> tuple[str, str] | None:
    internals: tuple[str, str] | None = None
    for name, value in fresh:
        why = secret_in(name, value)
        if why:
            return "secret-exposed", f"{name}: {why}; no recorded sample has it"
        found = internals_in(value) if type(value) is str else []
        if found and internals is None:
            internals = "internals-exposed", f"{name}: {found[0]}; no recorded sample has it"
    return internals


def _is_card(text: str, name: str) -> bool:
    """A right check digit (ISO/IEC 7812-1) under a name that speaks of a card: one id in ten has one by chance."""
    if not _CARD.fullmatch(text) or not _CARD_WORDS & set(words(name)):
        return False
    total = 0
    for position, digit in enumerate(int(one) for one in reversed(text) if one.isdigit()):
        total += digit if position % 2 == 0 else digit * 2 - 9 if digit > 4 else digit * 2
    return total % 10 == 0
