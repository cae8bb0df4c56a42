"""What a page hands out under a name."""

from __future__ import annotations

from captures.flows.named import SCRIPTS, named_values
from tests.corpus import each


@each(
    ("text", "found"),
    [
        ('<input type="hidden" name="csrf_token" value="abcd">', {"input csrf_token": "abcd"}),
        ("<meta content='abcd' name=csrf-token>", {"meta csrf-token": "abcd"}),
        ('<input name="a" value="1"><input name="a" value="2">', {"input a": "1"}),
        ('window.__CSRF__ = "abcd";', {"script __CSRF__": "abcd"}),
        ("x={csrfToken:'abcd',other:'efgh'}", {"script csrfToken": "abcd"}),
        ('{"access_token": "abcd"}', {"script access_token": "abcd"}),
        ('var color="abcd", tokenType="bearer"', {}),
        ("<p>token</p> nothing", {}),
        ("x" * SCRIPTS + 'csrf="abcd"', {}),
    ],
)
def test_values_by_their_names(text: str, found: dict[str, str]) -> None:
    assert named_values(text) == found
