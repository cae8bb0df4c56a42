from __future__ import annotations

import pytest

from captures.errors import UsageError
from replayer.target import Target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("http://127.0.0.1:8000", Target("http", "127.0.0.1", 8000)),
        ("localhost:1", Target("http", "localhost", 1)),
        ("https://a.test/", Target("https", "a.test", 443)),
        ("http://[::1]:5", Target("http", "::1", 5)),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("text", ["ftp://a", "http://", "http://a/b", "http://a?x", "http://a:99999", "http://u:p@a"])
def test_a_target_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        Target.parse(text)
