from __future__ import annotations

from captures.formats.elements import TEXT, Element, converted


def document(*children: Element | tuple[str, str]) -> Element:
    return Element("", children=list(children))


def test_forms_are_those_of_all_documents_together() -> None:
    one = document(Element("a", children=[Element("b", children=[(TEXT, "1")])]))
    other = document(Element("a", [("x", "2")]), Element("a"))
    assert [value for value, _ in converted([one, other])] == [{"a": [{"b": "1"}]}, {"a": [{"@x": "2"}, {}]}]
    assert converted([one])[0][0] == {"a": {"b": "1"}}


def test_texts_beside_elements_are_kept_apart() -> None:
    value, order = converted([document((TEXT, "1"), Element("b"), (TEXT, "2"))])[0]
    assert value == {TEXT: ["1", "2"], "b": ""}
    assert order == (("", TEXT, "b", TEXT),)


def test_what_moves_across_an_element_shows_in_the_order() -> None:
    (one, order), (other, moved) = converted([document((TEXT, "1"), Element("b")), document(Element("b"), (TEXT, "1"))])
    assert one == other
    assert order != moved
