"""Which values of a recorded exchange a pin must not fix, and what it says of them instead. Pure.

Signals in order of strength: the value differs between the recording and a run of it (``twin``) with its shape kept;
it is a point in time of the recording itself; it looks generated and neither the request nor a stub brought it. What
differs in shape as well is drift that somebody chose to pin: it is written as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from captures.flows.words import PIECE
from captures.formats.jsontext import Number
from captures.jsonpaths import Place
from diffing.values import moments
from diffing.values.names import Hint, hint_of, words
from diffing.values.volatile import Family, Shape, opaque, shape_of
from replayer.alignment import MISSING
from replayer.pin_notation import KINDS, Slot
from replayer.pin_words import is_segment
from replayer.tokens import is_idish, noun_of

HOUR, DAY = 3_600.0, 86_400.0
LONGEST = 11 * 366 * DAY
TERMS = frozenset(
    (2, 3, 4, 5, 6, 7, 10, 14, 15, 20, 21, 28, 30, 31, 35, 42, 45, 56, 60, 84, 90, 120, 180, 364, 365, 366)
)
"""Days in which things are due, delivered or over."""
MONTHS = frozenset((1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 60, 120))

_TIMES = ("timestamp http", "date iso8601", "timestamp iso8601", "timestamp iso8601 without zone")
_KINDS = ("uuid", "ulid", *_TIMES, "jwt")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known around the values of one exchange. Name what you pass: there are many."""

    near: float  # when it happened, Unix seconds
    fresh: bool = False  # its answer tells of something it made (a POST, a 201)
    created: bool = False  # it says so itself: 201, or a call to a dependency
    noun: str = ""  # what a bare ``id`` is an id of
    given: frozenset[str] = frozenset()  # values that request and stubs brought: not the build's to make
    secrets: frozenset[str] = frozenset()  # pseudonyms: the build shows the real ones
    made: frozenset[str] = frozenset()  # what this exchange is the first of the capture to show
    bound: Mapping[str, str] = field(default_factory=dict)  # recorded value -> the name a setup step gives it
    before: tuple[float, ...] = ()  # when the setup steps happened


def slot_for(name: str, value: Any, twin: Any, scene: Scene, place: Place = ()) -> Slot | None:
    """What stands for ``value`` of a field called ``name`` at ``place``, or None to write the value.

    ``twin``: see the module; MISSING when there is none.
    """
    if value is None or isinstance(value, bool | list | dict):
        return None
    text = str(value)
    weak = text.isdigit() and len(text) < 10  # a small number: an id only where its place says so
    if text in scene.bound and (is_idish(name) or (isinstance(value, str) and not weak)):
        return Slot("", scene.bound[text])
    if text in scene.secrets and isinstance(value, str):
        return _first_holding(value, ("uuid", "jwt", "token", "string"))
    if text in scene.given:
        return None
    if twin is not MISSING:
        if type(twin) is type(value) and str(twin) == text:
            return _moment(name, value, scene)  # a coarse clock shows two runs the same date
        return _both(name, value, twin)
    if isinstance(value, str):
        shape = shape_of(value)
        if _is_cursor(name) and opaque(value) and not (shape is not None and shape.strong):
            return _first_holding(value, ("token", "string"))
        if shape is None:
            return None
        if shape.family is Family.MOMENT:
            return _moment(name, value, scene)
        hinted = hint_of(name) in (Hint.ID, Hint.REFERENCE, Hint.TOKEN)
        made = text in scene.made or (hinted and _made(scene, place))
        return _described(value, shape) if shape.strong or made else None
    if hint_of(name) is Hint.MEASURE:
        return Slot("number")
    moment = _moment(name, value, scene)
    if moment is None and _made(scene, place) and isinstance(value, int) and is_idish(name):
        return Slot("integer")
    return moment


def pieces(text: str, twin: Any, scene: Scene, known: Mapping[str, Slot]) -> list[tuple[str | Slot, str]]:
    """``text`` cut into literals and slots, each with the recorded text of it: URLs, sentences, lines of a page.

    ``known``: values that have a slot already, wherever they stand as a whole word.
    """
    spans = [match.span() for match in PIECE.finditer(text)]
    others: list[Any] = [MISSING] * len(spans)
    if isinstance(twin, str):
        theirs = [match.group() for match in PIECE.finditer(twin)]
        if PIECE.sub("\0", text) != PIECE.sub("\0", twin) or len(theirs) != len(spans):
            return [(text, text)]  # says something else altogether: pinned as it is
        others = list(theirs)
    parts: list[tuple[str | Slot, str]] = []
    done = 0
    for (start, end), other in zip(spans, others, strict=True):
        piece = text[start:end]
        slot = slot_for("", piece, other, scene)
        if piece in scene.bound and is_segment(text, piece, scene.bound[piece]):
            slot = Slot("", scene.bound[piece])
        if slot is None or (slot.kind and piece in known):
            slot = known.get(piece, slot)
        if slot is None:
            continue
        if start > done:
            parts.append((text[done:start], ""))
        parts.append((slot, piece))
        done = end
    if done < len(text) or not parts:
        parts.append((text[done:], ""))
    return parts


@dataclass(frozen=True, slots=True)
class Member:
    """A scalar member of an object on a line of JSON; ``start`` and ``end`` bound its text, quotes left out."""

    name: str
    value: str | int | Decimal
    start: int
    end: int


_MEMBER = re.compile(
    r'"((?:[^"\\]|\\.){1,128})"\s*:\s*(?:"([^"\\]*)"|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))'
    r'|"(?:[^"\\]|\\.)*"'  # a string that is no such member: what stands in it is not looked at
)


def members(line: str) -> list[Member]:
    """The scalar members of a line that is a JSON object (NDJSON, a ``data:`` line of an event stream), else none."""
    text = line.removeprefix("data:").strip()
    if not (text.startswith("{") and text.endswith("}")):
        return []
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[Member] = []
    for match in _MEMBER.finditer(line):
        if match[3] is not None:
            number = match[3]
            value: int | Decimal = int(number) if number.lstrip("-").isdigit() else Number(number)
            found.append(Member(match[1], value, *match.span(3)))
        elif match[2] is not None:
            found.append(Member(match[1], match[2], *match.span(2)))
    return found


def name_for(field_name: str, place: Place, scene: Scene) -> str:
    """A readable name for the value at ``place``: ``order_id`` for ``$.order.id`` and ``$.order_id``."""
    noun = noun_of(field_name)
    last = "id"
    if not noun:
        around = [noun_of(step) for step in place[:-1] if isinstance(step, str)]
        noun = next((word for word in reversed(around) if word not in ("", "data", "item", "result")), scene.noun)
        last = field_name if field_name.lower() not in ("uid", "pk", "key") else "id"
    name = f"{noun}_{last}" if is_idish(field_name) and noun else (noun or field_name or "value")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")
    return name if name[:1].isalpha() and name.isascii() else "value"


_CURSOR = frozenset({"cursor", "continuation", "next", "prev", "previous"})


def _is_cursor(name: str) -> bool:
    """Whether ``name`` is that of a page's cursor, whose text is the build's own business (a replay thinks so too)."""
    said = frozenset(words(name))
    return hint_of(name) is Hint.TOKEN and bool(said & _CURSOR or {"page", "token"} <= said)


def _made(scene: Scene, place: Place) -> bool:
    """Whether a plain number or code there is likely made by this request: an order's, not its customer's."""
    return scene.fresh and (scene.created or len(place) <= 1)


def _moment(name: str, value: Any, scene: Scene) -> Slot | None:
    if isinstance(value, str):
        read = moments.read(value) or (moments.read_epoch_text(value) if value.isascii() and value.isdigit() else None)
    elif isinstance(value, int | Decimal) and (value > 1_000_000_000):
        read = moments.read_epoch(float(value))
    else:
        read = None
    if read is None or not (abs(read.seconds - scene.near) <= DAY or _from_now(read, scene)):
        return None
    if read.kind == "epoch" and not isinstance(value, str) and read.facets[0] not in ("s", "ms"):
        return Slot("integer")
    return _first_holding(value, ("timestamp unix", "timestamp unix ms", *_KINDS)) or _pattern(str(value))


def _from_now(moment: moments.Moment, scene: Scene) -> bool:
    """Whether ``moment`` was reckoned from when it was recorded: a lifetime in whole hours, a term in usual days.

    A date alone says little: only where the pin makes what it is about, and so makes it anew each time.
    """
    if abs(moment.seconds - scene.near) > LONGEST:
        return False
    if moment.grain <= 1.0:
        return any(
            -1.0 <= (moment.seconds - at + HOUR / 2) % HOUR - HOUR / 2 <= 2.0 for at in (scene.near, *scene.before)
        )
    if moment.grain < DAY or not (scene.fresh or scene.bound):
        return False
    then = datetime.fromtimestamp(moment.seconds, UTC).date()
    today = datetime.fromtimestamp(scene.near, UTC).date()
    months = abs((then.year - today.year) * 12 + then.month - today.month)
    return abs((then - today).days) in TERMS or (then.day == today.day and months in MONTHS)


def _both(name: str, value: Any, twin: Any) -> Slot | None:
    """What two values at one place share, when that says they are made anew; None for drift."""
    if isinstance(value, str) and isinstance(twin, str):
        one, other = shape_of(value), shape_of(twin)
        if one is None or other is None or (one.kind, one.facets) != (other.kind, other.facets):
            if hint_of(name) is Hint.TOKEN and Slot("token").holds(value) and Slot("token").holds(twin):
                return Slot("token")
            return None
        if not one.strong and one.family is not Family.MOMENT and hint_of(name) is None:
            return None
        slot = _described(value, one)
        return slot if slot is None or slot.holds(twin) else Slot("token") if Slot("token").holds(twin) else None
    if isinstance(value, str) or isinstance(twin, str | bool):
        return None
    if hint_of(name) is Hint.MEASURE:
        return Slot("number")
    if isinstance(value, int) and isinstance(twin, int) and is_idish(name):
        return Slot("integer")
    stamp = _first_holding(value, ("timestamp unix", "timestamp unix ms"))
    return stamp if stamp is not None and stamp.holds(twin) and hint_of(name) is Hint.MOMENT else None


def _described(value: str, shape: Shape) -> Slot | None:
    if shape.kind in KINDS and shape.kind != "hex":
        return Slot(shape.kind)
    if shape.family is Family.MOMENT:
        return _first_holding(value, _KINDS) or _pattern(value)
    if shape.kind in ("objectid", "digest", "hex"):
        letters = "A-F" if value.isupper() else "a-f"
        return Slot("regex", pattern=f"[0-9{letters}]{{{len(value)}}}")
    if shape.kind == "prefixed-id":
        head = value[: len(str(shape.facets[0])) + 1]
        return Slot("regex", pattern=f"{head}[0-9A-Za-z]{{{len(value) - len(head)}}}")
    if shape.kind in ("reference", "code"):
        return _pattern(value) if shape.kind == "reference" else Slot("regex", pattern=f"[A-Z0-9]{{{len(value)}}}")
    return _first_holding(value, (*_KINDS, "digits", "token"))


def _pattern(value: str) -> Slot:
    r"""``ORD-2026-000123`` as ``ORD-\d+-\d+``: for what has no kind of its own."""
    return Slot("regex", pattern=re.sub(r"\d+", lambda _: r"\d+", re.sub(r"([.+*?()\[\]{}|^$\\/])", r"\\\1", value)))


def _first_holding(value: Any, kinds: tuple[str, ...]) -> Slot | None:
    return next((Slot(kind) for kind in kinds if Slot(kind).holds(value)), None)
