"""XML documents as trees of elements. No DTD is read and no entity expanded: a document with either is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from captures.formats.elements import TEXT, Element
from captures.formats.jsontext import DEEPEST

_BREAK = "\x01"  # no character of XML, so never part of a namespace's name


@dataclass(slots=True)
class _Document:
    root: Element = field(default_factory=lambda: Element(""))
    spaces: dict[str, str] = field(default_factory=dict)  # namespaces used -> their first prefix


def read_xml(texts: Sequence[str]) -> list[Element]:
    """The documents, named alike: a namespace has the prefix of the first document that uses it in all of them.

    Namespaces used are ``@xmlns`` attributes of the outermost element, so that another one shows as one difference.
    Blanks between elements are left out; text beside elements, comments and processing instructions are kept.
    Raises ``ValueError`` with the place for what is not well-formed, has a DTD, or refers to an entity of one.
    """
    documents = [_read(text) for text in texts]
    shown: dict[str, str] = {"": ""}
    for document in documents:
        for space, prefix in document.spaces.items():
            if space in shown:
                continue
            clash = any(
                shown.get(other) == prefix for one in documents if space in one.spaces for other in one.spaces
            ) or (not prefix and any(space in one.spaces and "" in one.spaces for one in documents))
            shown[space] = f"{{{space}}}" if clash else prefix
    for document in documents:
        _rename(document, shown)
    return [document.root for document in documents]


def _read(text: str) -> _Document:
    from xml.parsers import expat

    document = _Document()
    open_ = [document.root]
    parser = expat.ParserCreate(namespace_separator=_BREAK)
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.ordered_attributes = True

    known: set[str] = set()

    def note(name: str) -> None:
        known.add(name)
        space, _, rest = name.partition(_BREAK)
        if rest:
            document.spaces.setdefault(space, rest.partition(_BREAK)[2])

    def start(name: str, attributes: list[str]) -> None:
        if name not in known:
            if _BREAK not in name:
                document.spaces.setdefault("", "")
            note(name)
        element = Element(name)
        if attributes:
            for attribute in attributes[::2]:
                if _BREAK in attribute and attribute not in known:
                    note(attribute)
            element.attributes = list(zip(attributes[::2], attributes[1::2], strict=True))
        open_[-1].children.append(element)
        open_.append(element)
        if len(open_) > DEEPEST + 1:
            raise ValueError(f"nested more than {DEEPEST} levels deep")

    def end(_: str) -> None:
        children = open_.pop().children
        if len(children) < 2:
            return
        spoken = inner = False
        for child in children:
            if isinstance(child, Element):
                inner = True
            elif child[0] == TEXT and child[1].strip(" \t\r\n"):
                spoken = True
        if inner and not spoken:
            children[:] = [child for child in children if isinstance(child, Element) or child[0] != TEXT]

    def characters(data: str) -> None:
        last = open_[-1].children[-1] if open_[-1].children else None
        if isinstance(last, tuple) and last[0] == TEXT:
            open_[-1].children[-1] = (TEXT, last[1] + data)
        else:
            open_[-1].children.append((TEXT, data))

    def refuse(*_: object) -> None:
        raise ValueError("it has a DTD, which is not read")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.CommentHandler = lambda data: open_[-1].children.append(("#comment", data))
    parser.ProcessingInstructionHandler = lambda target, data: open_[-1].children.append((f"?{target}", data))
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ValueError(f"no well-formed XML: {error}") from error
    except UnicodeEncodeError as error:
        raise ValueError("no well-formed XML: it has half surrogates") from error
    return document


def _rename(document: _Document, shown: dict[str, str]) -> None:
    def name_of(name: str) -> str:
        space, _, rest = name.partition(_BREAK)
        if not rest:
            return name
        local = rest.partition(_BREAK)[0]
        prefix = shown[space]
        return f"{prefix}{local}" if prefix.startswith("{") else f"{prefix}:{local}" if prefix else local

    names: dict[str, str] = {}
    stack = [document.root]
    while stack:
        element = stack.pop()
        new = names.get(element.name)
        if new is None:
            new = names[element.name] = name_of(element.name)
        element.name = new
        if element.attributes:
            element.attributes = [(name_of(name), value) for name, value in element.attributes]
        stack.extend(child for child in element.children if isinstance(child, Element))
    for child in document.root.children:
        if isinstance(child, Element):
            used = ((shown[space], space) for space in document.spaces if space)
            child.attributes[:0] = [
                (f"xmlns:{prefix}" if prefix else "xmlns", space)
                for prefix, space in used
                if not prefix.startswith("{")
            ]
