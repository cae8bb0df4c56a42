"""The story's result and captures, opened once: reports only read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from captures.store import Capture
from diffing.model import Result
from tests.diffing.reports.story import make_result, write_captures


@dataclass(frozen=True)
class Story:
    result: Result
    recorded: Capture
    replayed: Capture


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    recorded, replayed = write_captures(tmp_path_factory.mktemp("story"))
    with Capture.open(recorded) as one, Capture.open(replayed) as other:
        yield Story(make_result(), one, other)
