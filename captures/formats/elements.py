"""Trees of elements (XML, HTML) as JSON-like values, several documents at once so that they come out alike.

``<order id="7"><item>a</item><item>b</item></order>`` is ``{"order": {"@id": "7", "item": ["a", "b"]}}``: attributes
are ``@name``, text beside anything else is ``#text``, children are grouped by name. An element that is repeated under
its parent in *any* of the documents is an array in all, and one that has attributes or children in any is an object
in all: else a second item would turn ``$.item.price`` into ``$.item[0].price`` and one difference into a hundred.

Grouping forgets how children of different names follow each other; :func:`converted` tells that beside the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TEXT = "#text"


@dataclass(slots=True)
class Element:
    """One element while it is built and read. A child is an element, or a (name, text) pair: ``("#text", "a")``."""

    name: str
    attributes: list[tuple[str, str]] = field(default_factory=list)
    children: list[Element | tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Form:
    """What the documents together say of one generalised place."""

    repeated: bool = False
    compound: bool = False
    children: dict[str, _Form] = field(default_factory=dict)


Order = tuple[tuple[str, ...], ...]
"""Of every element whose children have different names, in document order: its own name and theirs."""


def converted(documents: Sequence[Element]) -> list[tuple[Any, Order]]:
    """The value of each document and the order of its elements. A document is an element whose name does not count."""
    form = _Form(compound=True)
    for document in documents:
        _gather(document, form)
    return [_value(document, form) for document in documents]


def _name(child: Element | tuple[str, str]) -> str:
    return child.name if type(child) is Element else child[0]  # type: ignore[index]


def _gather(document: Element, form: _Form) -> None:
    stack = [(document, form)]
    while stack:
        element, place = stack.pop()
        seen: set[str] = set()
        for child in element.children:
            name = _name(child)
            under = place.children.get(name)
            if under is None:
                under = place.children[name] = _Form()
            if name in seen:
                under.repeated = True
            seen.add(name)
            if type(child) is Element:
                inner = child.children
                if len(inner) > 1 or (inner and _name(inner[0]) != TEXT):
                    under.compound = under.compound or any(_name(one) != TEXT for one in inner)
                    stack.append((child, under))
                if child.attributes:
                    under.compound = True


def _value(document: Element, form: _Form) -> tuple[Any, Order]:
    top: dict[str, Any] = {}
    order: list[tuple[str, ...]] = []
    stack = [(document, form, top)]
    while stack:
        element, place, out = stack.pop()
        for name, text in element.attributes:
            out[f"@{name}"] = text
        below: list[tuple[Element, _Form, dict[str, Any]]] = []
        for child in element.children:
            name = _name(child)
            under = place.children.get(name) or _Form()  # a text that is all its element holds in every document
            value: Any
            if not isinstance(child, Element):
                value = child[1]
            elif under.compound:
                value = {}
                below.append((child, under, value))
            else:
                value = "".join(text for _, text in child.children)  # type: ignore[misc]
            if under.repeated:
                out.setdefault(name, []).append(value)
            else:
                out[name] = value
        names = tuple(_name(child) for child in element.children)
        if len(set(names)) > 1:
            order.append((element.name, *names))
        stack.extend(reversed(below))
    return top, tuple(order)
