"""One profile for all property tests: no clock decides, and every run tries the same examples. ``--case``."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.browser.fixture import browse, engine

__all__ = ["browse", "engine"]

for name in ("CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI", "COLUMNS", "FORCE_COLOR"):
    os.environ.pop(name, None)  # what a test means to say of its surroundings it says: it is alike here and in a CI job

settings.register_profile(
    "retape",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("fast", settings.get_profile("retape"), max_examples=25)  # of the fast tier
settings.load_profile("retape")


def pytest_collection_finish() -> None:
    """What was collected lives to the end: walking through it again and again took a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """One case of a corpus by itself."""
    parser.addoption("--case", default="", metavar="TEXT", help="of a corpus, only cases with TEXT in their names")


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority to be copied to where a test, or a process of it, would make one: that takes 0.1 s."""
    from captures.trust import Authority

    folder = tmp_path_factory.mktemp("authority")
    Authority.load_or_create(folder)
    return folder


@pytest.fixture(scope="session")
def wanted(pytestconfig: pytest.Config) -> str:
    """What ``--case`` says."""
    return str(pytestconfig.getoption("--case"))
