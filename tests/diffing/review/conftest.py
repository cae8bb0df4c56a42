"""A recording of four requests and a run of them that drifted in four ways, with a folder to decide in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.diffing.repeats import Call, Said, write

WAS = [
    Said({"id": number, "price": 4.5, "name": "pen", "left": 3}, calls=(Call("/rates"),), target=f"/goods/{number}")
    for number in range(1, 5)
]
NOW = [
    replace(said, body={**said.body, "price": "4.50" if number else 4.5, "name": "ink", "left": 4 - number % 2})
    for number, said in enumerate(WAS)
]
NOW[3] = replace(NOW[3], calls=(Call("/rates"), Call("/rates")))

TYPE, NAME, LEFT, CALL = "9ddc899adf2b", "1ae33b7c86c2", "7e39a53385c5", "0225180564a4"
"""The groups: the price as a string, another name, another number left, one call twice."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both captures."""

    recorded: Path
    run: Path


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("goods")
    source = write(folder / "shop.sqlite", WAS)
    return Pair(source.path, write(folder / "run.sqlite", NOW, source).path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the working directory, outside CI."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "retape.toml").touch()
    return tmp_path
