"""Names of secrets that stand apart from their values in JSON. Pure.

``{"name": "password", "value": …}``, ``["password", …]``, a table whose first row or whose list of columns names one, a
variable of GraphQL: so write HAR, Postman, FHIR, JSON Patch, lists of headers and parameters, validators and databases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from captures.formats import jsonspans
from captures.jsonpaths import Place
from captures.redacting.bounds import Bounds
from captures.redacting.secret_names import NEEDLES, Secrecy, normal

SecrecyOf = Callable[[str, bool], Secrecy]
"""That of (name, whether it is known to be a header's)."""

_LABELS = frozenset(
    "name key k n field fieldname id label header headername param parameter paramname property propertyname prop "
    "attribute attributename attr variable variablename setting option column path loc pointer type".split()
)
_LISTS = ("path", "loc")
"""Labels that may be a list of steps, as validators answer them."""
_VALUES = frozenset("val v values input received answer".split())
_COLUMNS = frozenset("columns fields headers header names columnnames fieldnames cols meta schema keys".split())
_CELLS = frozenset(("f", "values", "Data", "data", "cells", "row", "c"))
"""Members of a row that is an object."""
_FRAMES = frozenset("schema metadata meta resultsetmetadata header".split())
_STRING = re.compile(rb'"([^"\\\x00-\x1f]{1,80})"[ \t\r\n]*+[,\]}]')
_TWO = re.compile(r'[ \t\r\n]*,[ \t\r\n]*(?:"(?:[^"\\]|\\.)*+"|[^"\[\]{},]++)[ \t\r\n]*\]([ \t\r\n]*,[ \t\r\n]*\[)?')
_BEFORE = re.compile(r"(\][ \t\r\n]*,[ \t\r\n]*)?\[[ \t\r\n]*\Z")
_ROW = re.compile(r'[ \t\r\n]*"[^\W\d][\w .()#-]{0,60}"(?:[ \t\r\n]*,[ \t\r\n]*"[^\W\d][\w .()#-]{0,60}")+[ \t\r\n]*')
_ROW_FOLLOWS = re.compile(r"\][ \t\r\n]*,[ \t\r\n]*\[")
_COMMA = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_WORD = re.compile(r"[^\W\d][^\W\d.:/*-]*(?:[.:/*-][^\W\d]+)*")
"""What stands behind the name of a secret in a list and may be another name."""
_VARIABLE = re.compile(r"(\\?)([A-Za-z_]\w{0,80})\s{0,3}:\s{0,3}\$([A-Za-z_]\w{0,80})")
_NEEDLES = re.compile(b"|".join({needle.strip(b'"') for needle in NEEDLES}))
_LOWER = bytes(range(256)).lower()
_NOISE = b"0123456789.,:;{}[]_-/+ "
_NEAR = 8
"""Steps between a value and what names it."""
_MOST_OF_A_ROW = 4_096


@dataclass(slots=True)
class Apart:
    """Where values stand whose names stand elsewhere."""

    labelled: dict[Place, str] = field(default_factory=dict)  # objects, by what a member of theirs names
    elements: dict[Place, tuple[str, bool]] = field(default_factory=dict)  # of lists; whether it surely is a value
    columns: dict[Place, list[tuple[str | int, int, str]]] = field(default_factory=dict)
    """By what the table stands in: the step that leads to its head, the column, its name."""
    variables: frozenset[str] = frozenset()
    spans: list[tuple[int, int]] = field(default_factory=list)  # of the elements' beginnings
    whole: bool = False  # more has to be seen than the members named in ``awake`` and the spans

    def __bool__(self) -> bool:
        return bool(self.labelled or self.elements or self.columns or self.variables)

    def name_of(self, scalar: jsonspans.Scalar, secrecy_of: SecrecyOf) -> str | None:
        """The name that stands apart from ``scalar``, where that makes it secret."""
        place = scalar.place
        for name, direct, sure in self._names(place):
            secrecy = secrecy_of(name, any(isinstance(step, str) and "header" in step.lower() for step in place))
            if secrecy is not Secrecy.ALL and not (direct and scalar.is_string and secrecy.holds(scalar.string())):
                continue
            if sure or not scalar.is_string or _WORD.fullmatch(scalar.string()) is None:
                return name
        return None

    def _names(self, place: Place) -> Iterator[tuple[str, bool, bool]]:
        """Names that may belong to what stands at ``place``, each with whether it stands right there, and surely."""
        last = len(place) - 1
        for at in range(max(0, last - _NEAR), last + 1):
            step = place[at]
            if isinstance(step, str):
                if place[:at] in self.labelled and is_value(step):
                    yield self.labelled[place[:at]], at >= last - 1, True
                if at and place[at - 1] == "variables" and step in self.variables:
                    yield "password", at == last, True
            elif place[: at + 1] in self.elements:
                name, sure = self.elements[place[: at + 1]]
                yield name, at == last, sure
            for head, column, name in self.columns.get(place[:at], ()):
                if step != head and _column(place[at:]) == column:
                    yield name, True, True


def _column(steps: Place) -> int | None:
    """The column of a table's cell, to which ``steps`` lead from what the table stands in."""
    rows = steps[1:] if isinstance(steps[0], str) else steps
    if len(rows) < 2 or not isinstance(rows[0], int):
        return None
    cells = rows[2:] if rows[1] in _CELLS else rows[1:]
    return (
        cells[0] if cells and isinstance(cells[0], int) and len(cells) < 3 and int not in map(type, cells[1:]) else None
    )


def is_label(name: str) -> bool:
    """Whether member ``name`` may hold the name of what stands beside it."""
    return normal(name) in _LABELS


def is_value(name: str) -> bool:
    """Whether member ``name`` holds what a label beside it names."""
    plain = normal(name)
    return plain in _VALUES or plain.startswith("value") or plain.endswith("value")


def is_awake(name: str) -> bool:
    """Whether what stands under member ``name`` may be named elsewhere."""
    return name == "variables" or is_value(name)


def mentions(data: bytes, secrecy_of: SecrecyOf, *, needled: bool) -> bool:
    """Whether a string of JSON ``data`` names a secret. ``needled``: each such name has one of the needles."""
    return any(True for _ in _names(data, secrecy_of, needled=needled))


def apart(text: str, secrecy_of: SecrecyOf, bounds: Bounds, *, needled: bool) -> Apart:
    """The names in JSON ``text`` that stand apart. Raises ``ValueError`` where it is none."""
    found = Apart(variables=_variables(text, secrecy_of))
    names = set(_names(text.encode("utf-8", "surrogatepass"), secrecy_of, needled=needled))
    if not names:
        return found
    spans = (one.span() for one in re.finditer(r'"([^"\\]{1,80})"', text) if one[1] in names)
    for scalar in bounds.checked(jsonspans.scalars(text, jsonspans.Marks.of(spans))):
        if scalar.is_string and scalar.literal[1:-1] in names and scalar.place:
            _note(found, text, scalar, scalar.literal[1:-1])
    return found


def _note(found: Apart, text: str, scalar: jsonspans.Scalar, name: str) -> None:
    place = scalar.place
    last = place[-1]
    if isinstance(last, str):
        if is_label(last):
            found.labelled[place[:-1]] = name
            if len(place) > 2 and isinstance(place[-2], int):
                _note_column(found, place[:-1], name)
        return
    above = place[-2] if len(place) > 1 else ""
    if isinstance(above, str) and normal(above) in _LISTS:
        found.labelled[place[:-2]] = name
        return
    if above == 0 and len(place) > 1 and _is_head(text, scalar):
        found.columns.setdefault(place[:-2], []).append((0, last, name))
        found.whole = True
    _note_column(found, place, name)
    comma = _COMMA.match(text, scalar.end)
    if comma is None:
        return
    two = _TWO.match(text, scalar.end) if last == 0 else None
    before = _BEFORE.search(text, max(0, scalar.start - 40), scalar.start) if two else None
    found.elements[*place[:-1], last + 1] = name, bool(two and before and (two[1] or before[1]))
    found.spans.append((comma.end(), comma.end() + 1))
    found.whole = found.whole or text[comma.end() : comma.end() + 1] in ("{", "[")


def _note_column(found: Apart, place: Place, name: str) -> None:
    """``place`` is that of a column in a list of columns, if it is one."""
    *above, key, index = place if len(place) > 1 else ("", *place)
    if not isinstance(key, str) or not isinstance(index, int) or normal(key) not in _COLUMNS:
        return
    if above and isinstance(above[-1], str) and normal(above[-1]) in _FRAMES:
        *above, key = above
    found.columns.setdefault(tuple(above), []).append((key, index, name))
    found.whole = True


def _is_head(text: str, scalar: jsonspans.Scalar) -> bool:
    """Whether the first list in a list, of which ``scalar`` is an element, is the head of a table."""
    start = text.rfind("[", max(0, scalar.start - _MOST_OF_A_ROW), scalar.start)
    end = text.find("]", scalar.end, scalar.end + _MOST_OF_A_ROW)
    if start < 0 or end < 0 or _ROW_FOLLOWS.match(text, end) is None:
        return False
    return _ROW.fullmatch(text, start + 1, end) is not None


def _variables(text: str, secrecy_of: SecrecyOf) -> frozenset[str]:
    """The variables of GraphQL that are given to arguments with the names of secrets."""
    if "variables" not in text or "$" not in text:
        return frozenset()
    found = set()
    for escape, name, variable in _VARIABLE.findall(text):
        if secrecy_of(name[1:] if escape else name, False) >= Secrecy.TEXT:
            found.add(variable)
    return frozenset(found)


def _names(data: bytes, secrecy_of: SecrecyOf, *, needled: bool) -> Iterator[str]:
    strings = list(set(_STRING.findall(data)))
    if needled:
        joined = b"\n".join(strings).translate(_LOWER, _NOISE)
        if _NEEDLES.search(joined) is None:
            return
        strings = [one for one, lean in zip(strings, joined.split(b"\n"), strict=True) if _NEEDLES.search(lean)]
    for string in strings:
        name = string.decode("utf-8", "replace")
        if secrecy_of(name, False):
            yield name
