"""Where in a large JSON text something may be secret: what need not be looked at is passed over. Pure.

Nothing is decided here: a place that is told in vain costs time, one that is left out would leave a secret where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator

from captures.formats.jsonspans import Marks
from captures.redacting.detectors import Detectors

LARGE = 16_384
"""Characters of a text that is worth a search for marks."""
_MEMBER = re.compile(r'"([^"\\]*)"[ \t\r\n]*:')
_PARAMETER = re.compile(r'[?&;#]([^=&#;?"\\]{1,80})=')
_OF_URLS = ("key", "code")
"""Names that may be those of secrets there."""
_PERCENTED = re.compile("%(?:2[25]|3[dD]|7[bB]|5[bB]|3[cC])")
_PHONE = re.compile(
    r'"[a-z0-9_ -]{0,30}(?:phone|mobile|tel|msisdn|fax|whatsapp|cell)[a-z0-9_ -]{0,30}"'
    r'[ \t\r\n]*:[ \t\r\n]*\[?"[ (]*[0-9]',
    re.IGNORECASE,
)
_SAYS = re.compile(r'[:=>](?<![^\\]":)')
_SIGN = re.compile("[:=>]")
_NAME = re.compile(r"""([A-Za-z_][\w.-]{0,80})(?:'|\\{0,15}")?[ ]{0,2}\Z""")
_REACH = 120  # characters


def said(text: str, *, quoted: bool = False) -> Iterator[tuple[int, str]]:
    """Names that are no member's, and where they end: in a log line, a query in GraphQL, settings, a document, all in a
    string. ``text`` is JSON in which strings stand, or ``quoted``: what a string says."""
    for sign in (_SAYS if not quoted else _SIGN).finditer(text):
        at = sign.start()
        found = _NAME.search(text, max(0, at - _REACH), at)
        if found is None:
            continue
        name = found[1]
        if found.start() and text[found.start() - 1] == "\\":  # ``\\npassword=`` where it is written in JSON
            name = name[1:]
        if name and (not found.start() or text[found.start() - 1] != "$"):
            yield at, name


def marks(
    text: str,
    is_awake: Callable[[str], bool],
    seen: set[str],
    more: Iterable[tuple[int, int]],
    detectors: Detectors | None,
) -> Marks:
    """Where in JSON ``text`` a scalar may have to be replaced, for :func:`captures.formats.jsonspans.replaced`.

    ``is_awake``: whether under a member of that name everything is seen; ``seen``: members whose own values are, too;
    ``more`` places; ``detectors``: those that may find something by its form.
    """
    names = set(_MEMBER.findall(text))
    awake = frozenset(name for name in names if is_awake(name))
    spans = [*more, *_spans(text, awake | (seen & names), is_awake, detectors)]
    return Marks.of(spans, awake)


def _spans(
    text: str, members: Container[str], is_awake: Callable[[str], bool], detectors: Detectors | None
) -> Iterator[tuple[int, int]]:
    if members:
        for member in _MEMBER.finditer(text):
            if member[1] in members:
                yield member.span(1)
    for percented in _PERCENTED.finditer(text):
        yield percented.span()
    for parameter in _PARAMETER.finditer(text):
        if parameter[1] in _OF_URLS or "%" in parameter[1] or is_awake(parameter[1]):
            yield parameter.span()
    for at, name in said(text):
        if is_awake(name):
            yield at, at + 1
    if detectors is not None:
        yield from detectors.spans(text)
        for phone in _PHONE.finditer(text):
            yield phone.span()
