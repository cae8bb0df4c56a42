"""What a recording left out, said; whatever a file's meta holds."""

from __future__ import annotations

from typing import Any

import pytest

from captures.leftout import sentences
from tests.corpus import each


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({}, []),
        (
            {
                "selection": {"sample": 0.2},
                "sampling": {"sessions": 60, "kept": {"drawn": 11, "error": 2}},
                "sampled_out": 619,
                "sampled_out_calls": 1,
            },
            [
                "The recording is a sample: 20 % of the sessions of clients (13 of 60 kept); 619 requests and 1 call "
                "passed and were left out."
            ],
        ),
        (
            {"selection": {"exclude": "~u /healthz", "only_calls": "~d pay"}, "left_out": 1},
            [
                "The recording was made with --exclude '~u /healthz', --only-calls '~d pay'; 1 request passed and was "
                "left out."
            ],
        ),
        ({"selection": {"only": "x", "sample": 0.5}}, [
            "The recording is a sample: 50 % of the sessions of clients.", "The recording was made with --only 'x'.",
        ]),
        ({"selection": {"only": "\x1b[2J"}}, ["The recording was made with --only '\\\\x1b[2J'."]),
    ],
)  # fmt: skip
def test_what_is_said(meta: dict[str, Any], said: list[str]) -> None:
    assert list(sentences(meta)) == said


HOSTILE: list[Any] = [
    None,
    True,
    7,
    -1.5,
    "text",
    [],
    [1],
    {},
    {"sample": []},
    {"sample": True, "only": {}},
    {"kept": 3},
]


@pytest.mark.parametrize("selection", HOSTILE)
@each("other", HOSTILE)
def test_it_is_total(selection: Any, other: Any) -> None:
    list(sentences({"selection": selection, "sampling": other, "left_out": other, "sampled_out_calls": other}))
    list(sentences({"selection": {"sample": 0.5}, "sampling": {"kept": {"drawn": other}, "sessions": selection}}))
