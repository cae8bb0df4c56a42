"""Which options of the command line a run keeps."""

from __future__ import annotations

from pathlib import Path

from replayer.arguments import KEPT, arguments_of
from replayer.cli import replay

LEFT_OUT = {"capture", "command", "only", "shard", "output", "reports", "quiet", "label", "no_history"}
LEFT_OUT |= {"since", "tier", "limit"}


def test_every_option_is_kept_or_left_out_on_purpose() -> None:
    assert {parameter.name for parameter in replay.params} == {*KEPT, *LEFT_OUT}


def test_values_of_headers_are_not_kept() -> None:
    given = {"headers": ("Authorization: Bearer s3cret",), "timeout": 3.0, "isolate": True, "quiet": True}
    given |= {"rules": Path("my.toml"), "concurrency": 4, "host": None}
    assert arguments_of(given) == [
        ["--rules", "my.toml"],
        ["--header", "Authorization"],
        ["--timeout", "3"],
        ["--concurrency", "4"],
        ["--isolate"],
    ]
