"""The cached dispatch keeps mitmproxy's promises."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from mitmproxy import exceptions, hooks, options
from mitmproxy.master import Master

from recorder.master import CachedDispatch


class Notes:
    """An add-on that writes down what it was told."""

    def __init__(self, name: str, heard: list[str], error: Exception | None = None) -> None:
        self.name = name
        self._heard = heard
        self._error = error

    def running(self) -> None:
        self._heard.append(self.name)
        if self._error is not None:
            raise self._error


class Patient(Notes):
    """The same with a coroutine."""

    async def running(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self._heard.append(self.name)


def heard_by(*addons: Any) -> None:
    async def main() -> None:
        master = Master(options.Options())
        dispatch = CachedDispatch(master)
        for addon in addons:
            dispatch.add(addon)
            await dispatch.trigger_event(hooks.RunningHook())

    asyncio.run(main())


def test_every_addon_hears_in_order_also_those_that_came_later() -> None:
    heard: list[str] = []
    heard_by(Notes("a", heard), Patient("b", heard))
    assert heard == ["a", "a", "b"]


def test_an_addon_that_fails_stops_nobody_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    with caplog.at_level(logging.ERROR):
        heard_by(Notes("a", heard, ValueError("x")), Notes("b", heard))
    assert heard == ["a", "a", "b"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_an_addon_may_halt_the_rest() -> None:
    heard: list[str] = []
    heard_by(Notes("a", heard, exceptions.AddonHalt()), Notes("b", heard))
    assert heard == ["a", "a"]
