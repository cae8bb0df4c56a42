"""Decoded bodies as one kind of value (JSON-like), whatever they were written in: what is compared and learned.

Second to ``formats.decoding``, which says what a body is; here it is read, so that one walk, one profile and one
notation of rules serve all of them: ``$.order.item[1].price`` in XML, ``$[3].data.status`` in a stream of events,
``$.f1.f2`` in protobuf, ``$.upload.content.rows`` in a part of a multipart body.

Bodies that are compared are read *together*: a field repeated in one of them is an array in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from captures.formats import jsontext
from captures.formats.binaryvalues import described
from captures.formats.bodykinds import kind_of
from captures.formats.decoding import (
    BinaryBody,
    Decoded,
    FormBody,
    JsonBody,
    MultipartBody,
    Part,
    TextBody,
    Undecodable,
)
from captures.formats.elements import Element, Order, converted
from captures.formats.jsontext import DEEPEST, Reading
from captures.model import header

UNNAMED = "(no name)"
"""Name of multipart parts without one."""

MAX_TAGS = 1_000_000
"""Start and end tags of XML and HTML that are read. What has more is compared as text, by lines."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A body as a value: dict, list, str, int, Number, Literal, bool, None. Empty objects and arrays are values too."""

    kind: str  # "JSON", "JSON lines", "events", "form", "multipart", "XML", "HTML", "table", "MessagePack", …
    value: Any
    duplicates: tuple[str, ...] = ()  # paths of keys that stand twice
    defects: tuple[str, ...] = ()  # "NaN at $.ratio"
    order: Order = ()  # of elements or parts with different names, which the value does not tell
    remainder: bytes = b""  # what the value leaves out and must be equal as well: the pixels of an image


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that is declared to have members and cannot be read as such."""

    kind: str
    reason: str


def structured(body: Decoded) -> Structure | Unreadable | None:
    """``body`` read by itself. None: it has no members (plain text, bytes, nothing)."""
    return structures((body,))[0]


def structures(bodies: Sequence[Decoded]) -> tuple[Structure | Unreadable | None, ...]:
    """Each body read, alike where they are of one kind."""
    kinds = [kind_of(body) for body in bodies]
    if len(set(kinds)) == 1 and len(bodies) > 1 and kinds[0] in _TOGETHER:
        kind = kinds[0]
        try:
            return tuple(_TOGETHER[kind](bodies))
        except (ValueError, RecursionError):
            pass  # one of them cannot be read: each speaks for itself
    return tuple(_alone(body, kind) for body, kind in zip(bodies, kinds, strict=True))


def embedded_json(recorded: str, replayed: str) -> tuple[Any, Any] | None:
    """The values of two strings that both are the text of a JSON object or array; None where one is not.

    None as well where a key stands twice: such texts say more than their values.
    """
    if recorded.lstrip()[:1] not in ("{", "[") or replayed.lstrip()[:1] not in ("{", "["):
        return None
    try:
        one, other = jsontext.read(recorded), jsontext.read(replayed)
    except ValueError:
        return None
    return None if one.duplicates or other.duplicates else (one.value, other.value)


def _alone(body: Decoded, kind: str) -> Structure | Unreadable | None:
    if not kind:
        return None
    try:
        return _TOGETHER[kind]((body,))[0]
    except RecursionError:
        return Unreadable(kind, "it is nested too deep")
    except ValueError as error:
        if kind == "JSON":  # text that only begins like JSON, and nobody said it was
            return None
        return Unreadable(kind, str(error))


def _json(bodies: Sequence[Decoded]) -> list[Structure]:
    found: list[Structure] = []
    for body in bodies:
        if isinstance(body, JsonBody):
            found.append(Structure("JSON", body.value, body.duplicates, body.defects))
        else:
            found.append(_of_reading("JSON", jsontext.read(_text(body), DEEPEST)))
    return found


def _json_lines(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.eventstreams import read_json_lines

    return [_of_reading("JSON lines", read_json_lines(_text(body), DEEPEST)) for body in bodies]


def _events(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.eventstreams import read_events

    return [_of_reading("events", read_events(_text(body), DEEPEST)) for body in bodies]


def _of_reading(kind: str, reading: Reading) -> Structure:
    return Structure(kind, reading.value, reading.duplicates, reading.defects)


def _forms(bodies: Sequence[Decoded]) -> list[Structure]:
    fields = [body.fields if isinstance(body, FormBody) else () for body in bodies]
    return [Structure("form", value) for value in _members(fields)]


def _members(documents: Sequence[Sequence[tuple[str, Any]]]) -> list[dict[str, Any]]:
    """Names and values as objects; a name repeated in any document is an array in all."""
    repeated: set[str] = set()
    for pairs in documents:
        seen: set[str] = set()
        for name, _ in pairs:
            (repeated if name in seen else seen).add(name)
    values: list[dict[str, Any]] = []
    for pairs in documents:
        value: dict[str, Any] = {name: [] for name, _ in pairs if name in repeated}
        for name, item in pairs:
            if name in repeated:
                value[name].append(item)
            else:
                value[name] = item
        values.append(value)
    return values


def _multiparts(bodies: Sequence[Decoded]) -> list[Structure]:
    documents = [body.parts if isinstance(body, MultipartBody) else () for body in bodies]
    contents: dict[tuple[str, int], list[Part]] = {}  # the parts that stand for each other: by name, then by order
    places: list[list[tuple[str, int]]] = []
    for parts in documents:
        counts: dict[str, int] = {}
        own: list[tuple[str, int]] = []
        for part in parts:
            name = part.name or UNNAMED
            own.append((name, counts.get(name, 0)))
            counts[name] = counts.get(name, 0) + 1
            contents.setdefault(own[-1], []).append(part)
        places.append(own)
    read = {place: iter(_parts(parts)) for place, parts in contents.items()}
    values = _members([[(place[0], next(read[place])) for place in own] for own in places])
    return [
        Structure("multipart", value, order=(tuple(name for name, _ in own),) if len({n for n, _ in own}) > 1 else ())
        for value, own in zip(values, places, strict=True)
    ]


def _parts(parts: list[Part]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part, structure in zip(parts, structures([part.content for part in parts]), strict=True):
        content = structure.value if isinstance(structure, Structure) and _whole(structure) else _flat(part.content)
        kind = header(part.headers, "content-type")
        value = {"filename": part.filename, "type": kind.decode("latin-1") if kind else None, "content": content}
        for name, more in part.headers:
            lower = name.decode("latin-1").lower()
            if lower not in ("content-type", "content-disposition", "content-length"):
                value[f"@{lower}"] = more.decode("latin-1")
        found.append(value)
    return found


def _whole(structure: Structure) -> bool:
    """Whether the value says everything: where it does not, a part is shown as it was sent."""
    return not (structure.remainder or structure.duplicates or structure.order)


def _flat(body: Decoded) -> Any:
    match body:
        case TextBody(text=text) | JsonBody(text=text):
            return text
        case BinaryBody(data=data) | Undecodable(data=data):
            return described(data)
        case MultipartBody(parts=parts):
            return [_flat(part.content) for part in parts]
    return None


def _marked_up(bodies: Sequence[Decoded]) -> list[str]:
    texts = [_text(body) for body in bodies]
    if any(text.count("<") > MAX_TAGS for text in texts):
        raise ValueError(f"it has more than {MAX_TAGS:,} tags")
    return texts


def _xml(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.xmltrees import read_xml

    return _of_elements("XML", read_xml(_marked_up(bodies)))


def _html(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.htmltrees import read_html

    return _of_elements("HTML", [read_html(text) for text in _marked_up(bodies)])


def _of_elements(kind: str, documents: list[Element]) -> list[Structure]:
    return [Structure(kind, value, order=order) for value, order in converted(documents)]


def _tables(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.tables import read_tables

    kind = bodies[0].media_type if isinstance(bodies[0], TextBody) else ""
    return [Structure("table", value) for value in read_tables([_text(body) for body in bodies], kind)]


def _messagepacks(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.messagepack import read_messagepack

    return [Structure("MessagePack", read_messagepack(_data(body))) for body in bodies]


def _protobufs(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.protobuf import read_protobuf

    return [Structure("protobuf", value) for value in read_protobuf([_data(body) for body in bodies])]


def _grpcs(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.protobuf import read_grpc

    kind = bodies[0].media_type if isinstance(bodies[0], BinaryBody) else ""
    return [Structure("gRPC", value) for value in read_grpc([_data(body) for body in bodies], kind)]


def _images(bodies: Sequence[Decoded]) -> list[Structure]:
    from captures.formats.images import read_image

    return [
        Structure(
            "image",
            read_image(_data(body), body.media_type if isinstance(body, BinaryBody) else ""),
            remainder=_data(body),
        )
        for body in bodies
    ]


def _text(body: Decoded) -> str:
    assert isinstance(body, TextBody)
    return body.text


def _data(body: Decoded) -> bytes:
    assert isinstance(body, BinaryBody)
    return body.data


_TOGETHER: dict[str, Callable[[Sequence[Decoded]], list[Structure]]] = {
    "JSON": _json,
    "JSON lines": _json_lines,
    "events": _events,
    "form": _forms,
    "multipart": _multiparts,
    "XML": _xml,
    "HTML": _html,
    "table": _tables,
    "MessagePack": _messagepacks,
    "protobuf": _protobufs,
    "gRPC": _grpcs,
    "image": _images,
}
