"""``retape_target`` and ``retape_stubs``: the build and the stubs, for tests that people write themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from retape_pytest.companion import CompanionFailed
from retape_pytest.settings import build, companion_of, option
from retape_pytest.stubs import RetapeStubs


@pytest.fixture(scope="session")
def retape_command(request: pytest.FixtureRequest) -> str | Sequence[str]:
    """The command that starts the build, from the options. Override it in ``conftest.py``."""
    return option(request.config, "command")


@pytest.fixture(scope="session")
def retape_target(retape_command: str | Sequence[str], request: pytest.FixtureRequest) -> str:
    """Base URL of the running build, ``http://127.0.0.1:PORT``. Started once per session, by pins as well."""
    try:
        asked = build(request.session, retape_command)
        return str(companion_of(request.config).ask("target", **asked)["url"])
    except CompanionFailed as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def retape_stubs(request: pytest.FixtureRequest) -> Iterator[RetapeStubs]:
    """A stub server for this test. It answers the build of ``retape_target`` and whoever uses its ``env``.

    From what ``@pytest.mark.retape_capture(PATH)`` names, else ``--retape-capture``, else the pins that were collected.
    """
    companion = companion_of(request.config)
    built = "retape_target" in request.fixturenames
    try:
        asked = build(request.session, request.getfixturevalue("retape_command") if built else "")
        said = companion.ask("lend", sources=_sources(request, asked["pins"]), **asked)
    except CompanionFailed as error:
        pytest.fail(str(error), pytrace=False)
    yield RetapeStubs(said["variables"], companion)
    companion.ask("return")


def _sources(request: pytest.FixtureRequest, pins: list[str]) -> list[str]:
    marker = request.node.get_closest_marker("retape_capture")
    root = request.config.rootpath
    if marker is not None:
        if not marker.args:
            raise CompanionFailed("@pytest.mark.retape_capture names no capture.\nSay retape_capture('shop.sqlite').")
        near = request.path.parent
        return [
            str(next((at / path for at in (near, root) if (at / path).exists()), root / path)) for path in marker.args
        ]
    told = option(request.config, "capture")
    if told:
        return [str(root / Path(told))]
    if not pins:
        raise CompanionFailed(
            "retape_stubs has nothing to answer from.\n"
            "Name a capture or pins: @pytest.mark.retape_capture('shop.sqlite'), or --retape-capture tests/pins"
        )
    return pins
