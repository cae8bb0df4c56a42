from __future__ import annotations

import time
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captures.redacting import secret_echoes
from captures.redacting.secret_echoes import Echoes


def echoes(*pairs: tuple[str, str], cookie: str = "") -> Echoes:
    made = Echoes()
    for secret, pseudonym in pairs:
        made.add(secret, pseudonym, cookie)
    return made


def test_every_spelling_is_found() -> None:
    found = echoes(("a/b+c=12345", "x/y+z=67890"))
    assert found.in_text(b"a/b+c=12345") == b"x/y+z=67890"
    assert found.in_text(b'{"t":"a\\/b+c=12345"}') == b'{"t":"x\\/y+z=67890"}'
    assert found.in_text(b"?t=a%2Fb%2Bc%3D12345&u=1") == b"?t=x%2Fy%2Bz%3D67890&u=1"
    assert echoes(('pass"é12345', 'word"è67890')).in_text(b'"pass\\"\\u00e912345"') == b'"word\\"\\u00e867890"'


def test_a_longer_secret_goes_before_one_it_holds() -> None:
    found = echoes(("abc12345", "xyz67890"), ("abc12345-long-1", "qqq00000-qqqq-0"))
    assert found.in_text(b"abc12345-long-1 abc12345") == b"qqq00000-qqqq-0 xyz67890"


def test_short_ones_are_not_looked_for() -> None:
    assert not echoes(("abc1234", "xyz5678"))


def test_words_are_replaced_only_where_they_stand_alone_and_are_no_member_names() -> None:
    found = echoes(("password", "qwertzui"))
    assert (
        found.in_text(b'{"password" : "my password", "passwords": 1}')
        == b'{"password" : "my qwertzui", "passwords": 1}'
    )


def test_cookies_are_known_by_name_and_common_values_not_looked_for() -> None:
    for value in ("darkmode", "2024-01-31T00:00:00Z", "1700000000", "staging.example.com", "text/html"):
        found = echoes((value, "x" * len(value)), cookie="pref")
        assert not found
        assert found.of_name("pref", value) == "x" * len(value)
        assert found.of_name("other", value) is None
    assert echoes(("8fj3kd93jd", "1aa1aa11aa"), cookie="sid")


def test_nested_values() -> None:
    found = echoes(("abc12345", "xyz67890"))
    assert found.in_value({"a": ["abc12345", 1, None, {"abc12345": "q abc12345"}]}) == {
        "a": ["xyz67890", 1, None, {"xyz67890": "q xyz67890"}]
    }


PIECES = st.sampled_from(
    ["key-1:aaaa", "key-1:aaaa-b", "password", "12345678", "geh/eim+1", "9", " ", '"', ":", "x", "\\"]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_many_are_replaced_as_few_are(text: str) -> None:
    """All at once in one pass, or one after another."""
    found = echoes(
        ("key-1:aaaa", "kez-2:bbbb"), ("key-1:aaaa-b", "kez-2:bbbb-c"), ("password", "qwertzui"),
        ("12345678", "87654321"), ("geh/eim+1", "neh/mir+2"),
    )  # fmt: skip
    one_by_one = found.in_text(text.encode())
    with patch.object(secret_echoes, "MANY", 0):
        assert found.in_text(text.encode()) == one_by_one


@pytest.mark.slow
def test_a_list_of_very_many_secrets_takes_the_time_of_its_text() -> None:
    """Looked for one by one, it would grow with both."""
    made = [f"key{number:05}abcdefghij" for number in range(20_000)]
    found = echoes(*((one, one[::-1]) for one in made))
    text = ",".join(made).encode()
    started = time.process_time()
    assert found.in_text(text) == ",".join(one[::-1] for one in made).encode()
    assert time.process_time() - started < 10
