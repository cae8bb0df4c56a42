"""What a run says that it put in the place of recorded values."""

from __future__ import annotations

import pytest

from diffing.exchange import Context, compare_exchange
from diffing.model import Column
from diffing.values.chained import certain_pairs, handed_pairs
from tests.diffing.pairs import JSON, exchange


def test_a_number_is_bound_with_its_noun_and_session_a_text_by_itself_a_field_by_its_name() -> None:
    meta = {
        "bindings": [["uuid-old", "uuid-new"], ["same", "same"]],
        "named_bindings": [
            ["2", "9", "id", "shop_order"],
            ["qqhfceqkfp", "obxjynjlqu", "value", "csrf token"],
            ["482913", "001822", "value", "code"],
            ["4829", "0018", "value", "code"],
            ["3", "23", "field", "number"],
            ["abc", "abcdef", "value", "code"],
        ],
    }
    assert list(certain_pairs(meta, [1, 2])) == [
        ("uuid-old", "uuid-new"),
        ("1:order#2", "1:order#9"),
        ("2:order#2", "2:order#9"),
        ("qqhfceqkfp", "obxjynjlqu"),
        ("482913", "001822"),
        ("[number] 3", "[number] 23"),
    ]


def test_what_a_chain_names_is_equal_under_its_name_alone() -> None:
    def column(recorded: str, replayed: str) -> Column:
        context = Context()
        context.identity.bind(certain_pairs({"named_bindings": [["3", "23", "field", "number"]]}, [1]))
        one, other = exchange(recorded), exchange(replayed, replayed=True)
        return compare_exchange(one, other, context).column

    assert column('{"number": 3}', '{"number": 23}') is Column.SAME_BY_RULE
    assert column('{"number": 3}', '{"number": 24}') is Column.DRIFTED
    assert column('{"count": 3}', '{"count": 23}') is Column.DRIFTED


def test_a_code_that_was_handed_out_may_begin_with_a_zero() -> None:
    context = Context()
    context.identity.bind(certain_pairs({"named_bindings": [["807287", "066444", "value", "code"]]}, [1]))
    one, other = exchange('{"code": "807287"}'), exchange('{"code": "066444"}', replayed=True)
    assert compare_exchange(one, other, context).column is Column.SAME_BY_RULE


@pytest.mark.parametrize("text", ['window.x = "{}"', '{{"up": "/upload/{}/new"}}'])
@pytest.mark.parametrize("token", ["_KBt74hcBAN81IBqLaCFXypbH6U_3fAz", "-eedry5CpzYnYXh4AiYkRASy4C8S_6mB"])
def test_a_token_in_a_text_may_begin_with_what_no_word_begins_with(text: str, token: str) -> None:
    first = "JDqrI_Dh_glBpo2_rMOQga53_o3-qCi7"
    context = Context()
    context.identity.bind([(first, token)])
    pages = [f"<p>{text.format(value)}</p>" for value in (first, token)]
    html = ((b"Content-Type", b"text/html"),)
    sides = [exchange(page, replayed=bool(number), headers=html) for number, page in enumerate(pages)]
    assert compare_exchange(sides[0], sides[1], context).column is Column.SAME_BY_RULE


@pytest.mark.parametrize(
    ("now", "column"),
    [("http://127.0.0.1:5502/a", Column.SAME_BY_RULE), ("http://127.0.0.1:5503/a", Column.DRIFTED),
     ("http://127.0.0.1:5502/b", Column.DRIFTED), ("https://127.0.0.1:5502/a", Column.DRIFTED)],
)  # fmt: skip
def test_the_listener_that_stood_for_a_dependency_moves_with_every_run(now: str, column: Column) -> None:
    context = Context(handed=handed_pairs({"handed_over": [["127.0.0.1:5501", "127.0.0.1:5502"]]}))
    before, after = (
        exchange(f'{{"blog": "{url}"}}', replayed=at, headers=((b"Access-Control-Allow-Origin", url.encode()), *JSON))
        for at, url in enumerate(("http://127.0.0.1:5501/a", now))
    )
    assert compare_exchange(before, after, context).column is column
