"""A request that the recorded build accepted and the new one refuses as invalid: which field the answer complains of.

What a refusal says of the request *alone* counts: 400, 405, 406, 411, 413, 414, 415, 422, 426, 428, 431 (RFC 9110,
15.5; RFC 6585). 404, 409, 410, 412, 423 and 429 speak of the state the request met, which in a replay may be another
one; 401 and 403 of the caller. Those stay a change of the status class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from captures.formats.decoding import FormBody, JsonBody, TextBody, decode, form_fields
from captures.model import Request, Response

REFUSALS = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 426, 428, 431})
NAMED = 3  # fields in the evidence
LOOKED_AT = 2_000  # values of an answer

_ERRORS = frozenset(
    "errors error detail details violations issues fields invalid-params invalidparams invalid_params fielderrors "
    "field_errors validationerrors validation_errors messages non_field_errors data".split()
)
"""Members whose members are named after fields, or that list complaints."""
_NAMING = ("field", "fieldName", "field_name", "param", "parameter", "propertyPath", "property", "attribute", "key")
_POINTING = ("pointer", "instancePath", "dataPath", "instanceLocation", "path", "loc")
_GENERAL = frozenset("body query path header headers cookie data attributes json form request payload base".split())
_QUOTED = re.compile(
    r"""(?:field|parameter|param|property|attribute|key|column|argument|header)s?:?\s+["'`]?([A-Za-z_][\w.\[\]-]*)"""
    r"""|["'`]([A-Za-z_][\w.\[\]-]{0,60})["'`]"""
    r"""|(?:^|[.;:,]\s*)([A-Za-z_][\w.\[\]-]{1,60}):? (?:is|are|must|may not|can't|cannot|should|has to|was)\b""",
    re.IGNORECASE | re.MULTILINE,
)
_SPOKEN_OF = re.compile(
    r"\b(?:for|of|on|in|invalid|missing|unknown|unexpected|unsupported|duplicate|bad)\s+([A-Za-z_][\w-]{1,60})",
    re.IGNORECASE,
)
"""Names only where the request sends them: ``invalid value for email``."""
_NO_FIELD = frozenset(
    "it this that there they value field request body json input parameter required invalid missing must is the a an "
    "validation error message data content and or not of".split()
)


def is_rejected(recorded: int, replayed: int) -> bool:
    """Whether a request that was answered with status ``recorded`` is now refused as invalid."""
    return 200 <= recorded < 400 and replayed in REFUSALS


def fault(request: Request, refusal: Response) -> str:
    """What ``refusal`` complains of, as evidence: the names of fields and never their values; "" when it names none."""
    names = list(dict.fromkeys(_named(request, refusal)))
    if not names:
        return ""
    sent = _sent(request)
    shown = ", ".join(f"`{name}`" for name in names[:NAMED]) + (" and more" if len(names) > NAMED else "")
    leaf = re.split(r"[.\[\]]+", names[0].rstrip("]"))[-1]
    note = "" if names[0] in sent or leaf in sent else ", which the recorded request does not send"
    return f"the answer names {shown}{note}"


def _named(request: Request, refusal: Response) -> Iterator[str]:
    body = decode(refusal.body, refusal.headers) if refusal.body else None
    if isinstance(body, JsonBody):
        told = list(_in_json(body.value, _sent(request)))
        yield from told or _in_texts(body.value, request)
    elif isinstance(body, TextBody):
        yield from _in_text(body.text, _sent(request))


def _in_json(value: Any, sent: set[str]) -> Iterator[str]:
    """Fields named by the structure: problem+json, JSON:API, FastAPI, Rails, Spring, ASP.NET, express, zod, DRF."""
    stack: list[tuple[Any, bool]] = [(value, False)]
    room = LOOKED_AT
    while stack and room > 0:
        item, complaints = stack.pop(0)
        room -= 1
        if isinstance(item, list):
            stack.extend((child, complaints) for child in item)
        elif isinstance(item, dict):
            name = _pointed(item, complaints)
            if name:
                yield name
                continue
            for key, child in item.items():
                if key.lower() in _ERRORS:
                    stack.append((child, True))
                elif _complains(child) and (complaints or key in sent):
                    yield _dotted(key)
                elif complaints and isinstance(child, dict):
                    stack.append((child, True))


def _complains(value: Any) -> bool:
    """``["can't be blank"]``, ``[{"message": …}]``, or one sentence."""
    if isinstance(value, list):
        return bool(value) and all(type(one) is str or (isinstance(one, dict) and "message" in one) for one in value)
    return type(value) is str and " " in value.strip()


def _pointed(item: dict[str, Any], complaints: bool) -> str:
    """The field that one complaint points at."""
    source = item.get("source")
    if isinstance(source, dict):
        return _pointed({**source, "message": ""}, True)
    if not complaints:
        return ""
    for key in _POINTING:
        where = item.get(key)
        if isinstance(where, list) and where:
            return _dotted(".".join(str(step) for step in where))
        if type(where) is str and where.strip("/#$."):
            return _dotted(where)
    for key in (*_NAMING, *(("name",) if len(item) > 1 else ())):
        if type(item.get(key)) is str and item[key]:
            return _dotted(item[key])
    return ""


def _dotted(where: str) -> str:
    """``/data/attributes/items/0/sku``, ``body.items.0.sku`` and ``$.items[0].sku`` are all ``items[0].sku``."""
    steps = [step for step in re.split(r"[/.\[\]]+", where.strip("#$/ ")) if step]
    while len(steps) > 1 and steps[0].lower() in _GENERAL:
        del steps[0]
    return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps).lstrip(".")[:80]


def _in_texts(value: Any, request: Request) -> Iterator[str]:
    sent = _sent(request)
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(reversed(item.values()))
        elif isinstance(item, list):
            stack.extend(reversed(item))
        elif type(item) is str:
            yield from _in_text(item, sent)


def _in_text(text: str, sent: set[str]) -> Iterator[str]:
    """Fields that a sentence names: sent ones anywhere, others where the words around say that they are fields."""
    text = text[:10_000]
    spoken = [next(filter(None, match.groups())) for match in _QUOTED.finditer(text)]
    named = [name for name in spoken if name.lower() not in _NO_FIELD and (name in sent or not name.istitle())]
    named += (match[1] for match in _SPOKEN_OF.finditer(text) if match[1] in sent and match[1] not in named)
    named.sort(key=lambda name: name not in sent)
    yield from named
    if not named:
        yield from (word for word in re.findall(r"[A-Za-z_][\w-]{2,60}", text) if word in sent and _is_name(word))


def _is_name(word: str) -> bool:
    """Whether ``word`` is hardly an English one: ``customer_id``, ``customerId``."""
    return "_" in word or "-" in word or (not word.islower() and not word.istitle() and not word.isupper())


def _sent(request: Request) -> set[str]:
    """The names of everything the request sends: members, form fields, parameters."""
    names = {name for name, _ in form_fields(request.target.partition(b"?")[2])}
    body = decode(request.body, request.headers) if request.body else None
    if isinstance(body, FormBody):
        names.update(name for name, _ in body.fields)
    stack: list[Any] = [body.value] if isinstance(body, JsonBody) else []
    while stack and len(names) < LOOKED_AT:
        item = stack.pop()
        if isinstance(item, dict):
            names.update(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return names
