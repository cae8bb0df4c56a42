"""A review of the small shop's drifted run, served on a free port, with its files in a folder of its own."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from diffing.model import Group
from replayer.review.api import Api
from replayer.review.guard import Guard
from replayer.review.server import ReviewServer
from replayer.review.sitting import Paths, Sitting
from replayer.review.ticket import Ticket
from tests.browser.conftest import axe
from tests.diffing.reports.story import write_captures
from tests.diffing.shop import DRIFTS, play

__all__ = ["axe"]

TODAY = date(2026, 11, 30)
PATIENCE = 60.0


@dataclass
class Review:
    """A review under way."""

    folder: Path
    sitting: Sitting
    guard: Guard
    port: int
    ticket: Ticket

    @property
    def address(self) -> str:
        """What is printed."""
        return f"http://127.0.0.1:{self.port}/?token={self.guard.token}"

    @property
    def rules(self) -> Path:
        """Where decisions go."""
        return self.folder / "retape.rules.toml"

    @property
    def groups(self) -> tuple[Group, ...]:
        """As they stand."""
        return self.sitting.result.groups

    def named(self, location: str) -> Group:
        """The group at a place."""
        return next(group for group in self.groups if location in f"{group.endpoint} {group.location}")

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """As the page asks."""
        own = {
            "Host": f"127.0.0.1:{self.port}",
            "Cookie": f"{self.guard.cookie_name}={self.guard.session}",
            "X-Retape-Review": self.guard.key,
            "Origin": f"http://127.0.0.1:{self.port}",
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("GET" if body is None else "POST", path, sent, own | headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        data = json.loads(text) if answer.getheader("Content-Type") == "application/json" else text
        return answer.status, data


@contextmanager
def reviewed(folder: Path, recorded: str = "shop.sqlite", run: str = "run.sqlite") -> Iterator[Review]:
    """Serve the review of ``run`` in ``folder``."""
    paths = Paths(folder / run, folder / recorded, None, folder / "retape.toml", folder / "pins")
    sitting = Sitting(paths, "dana", TODAY)
    with ReviewServer("127.0.0.1", 0) as server:
        guard, ticket = Guard.of("127.0.0.1", server.port), Ticket()
        server.application = Api(guard, sitting, ticket)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Review(folder, sitting, guard, server.port, ticket)
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Review]:
    """One of captures whose every text would rather be a script."""
    recorded, replayed = write_captures(tmp_path)
    (tmp_path / "retape.toml").write_text("", encoding="utf-8")
    with reviewed(tmp_path, recorded.name, replayed.name) as under_way:
        yield under_way


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the shop and a run of its other build."""
    folder = tmp_path_factory.mktemp("played")
    play(2, folder / "run.sqlite", DRIFTS, play(1, folder / "shop.sqlite"))
    return folder


def project(played: Path, folder: Path) -> Path:
    """``folder`` with both captures in it."""
    for name in ("shop.sqlite", "run.sqlite"):
        shutil.copy(played / name, folder / name)
    (folder / "retape.toml").write_text("", encoding="utf-8")
    return folder


@pytest.fixture
def folder(played: Path, tmp_path: Path) -> Path:
    """A project with both captures."""
    return project(played, tmp_path)


@pytest.fixture(scope="module")
def shared(played: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    """One for tests in which nothing is changed."""
    with reviewed(project(played, tmp_path_factory.mktemp("shared"))) as under_way:
        yield under_way


@pytest.fixture
def review(folder: Path) -> Iterator[Review]:
    """One that is under way."""
    with reviewed(folder) as under_way:
        yield under_way
