"""Fixtures of the end-to-end tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end import software
from tests.end_to_end.processes import Bench


@pytest.fixture
def bench(tmp_path: Path, authority_folder: Path) -> Iterator[Bench]:
    """A place to run processes in; they are ended with the test."""
    place = Bench(tmp_path)
    shutil.copytree(authority_folder, place.state)
    yield place
    place.close()


@pytest.fixture(scope="session")
def third_party() -> Path:
    """The ``bin`` folder with httpbin, devpi, pypiserver and Go."""
    return software.python_tools()


@pytest.fixture(scope="session")
def node_path() -> Path:
    """The ``node_modules`` folder; skips only where there is no ``node``."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    return software.node_modules()
