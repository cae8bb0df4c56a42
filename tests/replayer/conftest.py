"""Every test has a state folder of its own; the certificate authority in it is made once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from captures.trust import Authority
from tests.replayer.serving import Running


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    Authority.load_or_create(folder)
    return folder


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, authority_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(authority_folder, tmp_path / "state")
    monkeypatch.setenv("RETAPE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("RETAPE_REDACT_KEY", raising=False)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path / "state")
    yield server
    server.stop()
