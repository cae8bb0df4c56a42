from __future__ import annotations

import asyncio
import sys

import pytest

from replayer import loops


async def _loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_uvloop_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvloop")
    assert loops.run(_loop()) == "uvloop"
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loops.run(_loop()).startswith("asyncio")


def test_what_is_raised_gets_out() -> None:
    async def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        loops.run(fails())
