from __future__ import annotations

from captures.routes.graphql import operation_in
from tests.corpus import each


@each(
    ("document", "name", "operation"),
    [
        ("query Q($a: [Int!]! = [1], $b: In = {x: 1}) @live { order }", "", "query Q"),
        ("query A {a} mutation B {b}", "B", "mutation B"),
        ("query A {a} mutation B {b}", "C", "query A"),
        ('{ order(text: """a \\""" } { b""") { id } }', "", "{order}"),
        ('{ order(text: "}{") { id } # }\n user }', "", "{order, user}"),
        ("{ ... on Query { x } ...F }", "", "{...F, ...Query}"),
        ("{ ... @include(if: true) { x } y }", "", "{y}"),
        ("subscription { ticks }", "", "subscription {ticks}"),
        ("query Q", "", None),
        ("query Q bar { a }", "", None),
        ("{ a } shoes", "A", None),
        ("fragment F on O { id }", "", None),
        ("{ a: 1 }", "", None),
        ("}", "", None),
        ("", "", None),
    ],
)
def test_operation_in(document: str, name: str, operation: str | None) -> None:
    assert operation_in(document, name) == operation
