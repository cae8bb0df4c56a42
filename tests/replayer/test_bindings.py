from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replayer.bindings import Binding, Bindings, Seen, Substitution
from tests.corpus import each


@each(
    ("text", "expected"),
    [
        ("/orders/ord_1a2b3c", "/orders/ord_9z8y7x"),
        ("/orders/ord_1a2b3c/items?x=ord_1a2b3c&y=1", "/orders/ord_9z8y7x/items?x=ord_9z8y7x&y=1"),
        ('{"id":"ord_1a2b3c"}', '{"id":"ord_9z8y7x"}'),
        ("sid=ord_1a2b3c; theme=dark", "sid=ord_9z8y7x; theme=dark"),
        ("Bearer ord_1a2b3c", "Bearer ord_9z8y7x"),
        ("/x%2Ford_1a2b3c", "/x%2Ford_9z8y7x"),
        ("ord_1a2b3cd", "ord_1a2b3cd"),
        ("word_1a2b3c", "word_1a2b3c"),
        ("ord_1a2b3", "ord_1a2b3"),
        ("", ""),
    ],
)
def test_whole_tokens_only(text: str, expected: str) -> None:
    table = Substitution()
    table.add("ord_1a2b3c", "ord_9z8y7x", "here")
    assert table.apply(text)[0] == expected


def test_percent_encoded_values_are_found() -> None:
    table = Substitution()
    table.add("a1b2+c3/d4==", "z9+y8/x7=", "here")
    assert table.apply("?t=a1b2%2Bc3%2Fd4%3D%3D&u=a1b2+c3/d4==")[0] == "?t=z9%2By8%2Fx7%3D&u=z9+y8/x7="


def test_the_longest_value_wins_and_nothing_is_replaced_twice() -> None:
    table = Substitution()
    table.add("abc123", "def456", "short")
    table.add("abc123.tail", "XYZ", "long")
    table.add("def456", "abc123", "back")
    assert table.apply("abc123 abc123.tail def456") == ("def456 XYZ abc123", ["short", "long", "back"])


def test_a_newer_binding_takes_the_place_of_the_older() -> None:
    bindings = Bindings()
    bindings.bind(Binding("rec_111111", "new_222222", "a"))
    bindings.bind(Binding("rec_111111", "new_333333", "b"))
    assert bindings.live("rec_111111") == "new_333333"
    assert bindings.recorded("new_222222") is None
    assert bindings.backward.apply("new_222222 new_333333")[0] == "new_222222 rec_111111"


def test_memory_is_bounded() -> None:
    bindings = Bindings(limit=10)
    for number in range(100):
        bindings.bind(Binding(f"rec{number:06}", f"new{number:06}", ""))
        bindings.bind(Binding(f"{number}", f"{number + 1}", "", "order"))
        bindings.bind_time(Binding(f"2026-01-01T00:00:{number:02}Z", "x", ""))
        bindings.bind_validator(b'"%d"' % number, b'"n"', "")
    assert bindings.live("rec000000") is None
    assert bindings.live("rec000099") == "new000099"
    assert bindings.weak("0", "order") is None
    assert bindings.weak("99", "order") is not None
    assert bindings.validator(b'"0"') is None
    assert bindings.validator(b'"99"') == (b'"n"', "")
    assert bindings.forward.apply("rec000000 rec000099")[0] == "rec000000 new000099"


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_total_and_silent_where_nothing_is_known(text: str, known: dict[str, str]) -> None:
    table = Substitution()
    assert table.apply(text) == (text, [])
    for value, other in known.items():
        table.add(value, other, "")
    table.apply(text)
    for value in known:
        table.remove(value)
    assert not table


@pytest.mark.slow
def test_ten_thousand_values_of_one_prefix_cost_little_more_than_ten() -> None:
    text = "".join(f'{{"id": "other-{number:06}", "state": "active"}},' for number in range(2_000))

    def seconds(known: int) -> float:
        table = Substitution()
        for number in range(known):
            table.add(f"prefix-{number:06x}-of-all-orders", f"live-{number:06x}", "")
        best = 9.0
        for _ in range(5):
            started = time.perf_counter()
            table.apply(text + "prefix-000007-of-all-orders" * 3 + " prefix-000008-of-all-orders")
            best = min(best, time.perf_counter() - started)
        return best

    assert seconds(10_000) < 100 * seconds(10)  # looking for each would take a thousand times as long


def test_who_said_a_word_first_counts_also_when_it_is_heard_last() -> None:
    seen = Seen()
    seen.add(frozenset({"word", "abc"}), 9)
    seen.add(frozenset({"word", "other"}), 4)
    seen.add(frozenset({"word"}), 12)
    assert (seen.first("word"), seen.first("other"), seen.first("abc")) == (4, 4, None)


def test_words_are_forgotten_by_generations() -> None:
    seen = Seen(limit=2)
    seen.add(frozenset({"aaaa", "bbbb", "cccc"}), 8)
    assert seen.generation == 1
    assert seen.first("aaaa") == 8
    seen.add(frozenset({"dddd"}), 3)
    seen.add(frozenset({"eeee", "ffff"}), 4)
    assert seen.generation == 2
    assert seen.first("aaaa") is None
    assert seen.first("dddd") == 3


def test_a_recorded_value_is_found_by_its_live_one_until_it_is_forgotten() -> None:
    bindings = Bindings(limit=1)
    bindings.bind(Binding("rec/111111", "new/222222", "a"))
    assert bindings.recorded("new/222222") == "rec/111111"
    bindings.bind(Binding("rec/333333", "new/444444", "a"))
    assert bindings.recorded("new/222222") is None
    assert bindings.recorded("new/444444") == "rec/333333"
