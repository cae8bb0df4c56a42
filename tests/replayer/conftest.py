"""Every test that has a folder has a state folder in it; the certificate authority in that is made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replayer.serving import Running


@pytest.fixture(autouse=True)
def state_folder(request: pytest.FixtureRequest, authority_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = authority_folder  # for those without a folder of their own: most here are pure, and making one takes time
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path") / "state"
        shutil.copytree(authority_folder, folder)
    monkeypatch.setenv("RETAPE_STATE_DIR", str(folder))
    monkeypatch.delenv("RETAPE_REDACT_KEY", raising=False)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path / "state")
    yield server
    server.stop()
