"""The report of a run that drifted in every way, as a file, and axe-core."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from diffing.reports import html
from tests.diffing.reports.conftest import Story, story
from tests.end_to_end.software import node_modules

__all__ = ["story"]


@pytest.fixture(scope="session")
def report(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "drift.html"
    path.write_text(html.render(story.result, story.recorded, story.replayed), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    if shutil.which("npm") is None:
        pytest.skip("no npm: tests/system_packages.sh installs it where it may")
    return (node_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
