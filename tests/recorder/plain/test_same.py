"""One play in several ways: without us, on the short way, on the long one. All see the same, and so does the tape."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from captures.model import Exchange, Timing
from recorder.listeners import LOOPBACK, Listener, Role, Target
from recorder.plain import path as short_way
from tests.recorder.conftest import DEADLINE, Lab, Loop, inbound, outbound
from tests.recorder.plain.cases import CASES, MAX_BODY, Case
from tests.recorder.plain.stage import End, Seen, Stage

pytestmark = pytest.mark.slow  # real sockets
ENDS = ("open", "orderly", "reset")


@dataclass
class Played:
    """What came of all cases in one way."""

    seen: dict[str, Seen] = field(default_factory=dict)
    took: dict[str, int] = field(default_factory=dict)
    tape: dict[str, list[Exchange]] = field(default_factory=dict)


class Theatre:
    """Plays every case in each way, once."""

    def __init__(self, folder: Path, loop: Loop, authority_folder: Path) -> None:
        self._folder = folder
        self._loop = loop
        self._authority = authority_folder
        self._played: dict[str, Played] = {}

    def __call__(self, way: str) -> Played:
        """All cases in one way."""
        if way not in self._played:
            self._played[way] = self._play(way)
        return self._played[way]

    def _play(self, way: str) -> Played:
        folder = self._folder / way
        folder.mkdir()
        lab = Lab(folder, self._loop, self._authority)
        ends: list[End] = []

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            end = End(reader, writer)
            ends.append(end)
            await writer.wait_closed()

        encrypted = lab.authority.leaf_context("localhost") if way.startswith("tls") else None
        port = lab.origin(connected, ssl=encrypted)
        stage = Stage(ends)
        if way == "direct":
            return self._all(stage, way, port, {})
        listener, options = inbound(port), {}
        if way == "dependency":
            options = {"host": b"%s:%d" % (LOOPBACK.encode(), port)}
            listener = Listener(Role.DEPENDENCY, LOOPBACK, 0, Target("http", LOOPBACK, port), name="stock")
        elif way == "absolute":
            listener, options = outbound(), {"at": b"%s:%d" % (LOOPBACK.encode(), port)}
        elif encrypted is not None:
            listener, options = outbound(), {"tunnel": (port, _trusting(lab, way))}
        trusted = str(lab.authority.bundle(lab.folder / "upstream.pem"))
        with pytest.MonkeyPatch.context() as patch:
            if way == "long":
                patch.setattr(short_way, "waits", lambda _: None)
            with lab.recording(listener, max_body=MAX_BODY, trusted=trusted) as proxy:
                played = self._all(stage, way, proxy.port(), options)
        connections: dict[str, list[Exchange]] = {}
        for one in lab.exchanges():
            connections.setdefault(one.connection, []).append(one)
        assert proxy.last("done")["faults"] == 0
        played.tape = dict(zip(played.seen, (all_of[1:] for all_of in connections.values()), strict=True))
        return played

    def _all(self, stage: Stage, way: str, port: int, options: dict[str, Any]) -> Played:
        played = Played()
        with pytest.MonkeyPatch.context() as patch:
            opened = 0
            original = short_way.Path._opened

            def counting(*arguments: Any) -> Any:
                nonlocal opened
                result = original(*arguments)
                opened += result is not None
                return result

            patch.setattr(short_way.Path, "_opened", counting)
            for case in CASES:
                if way.startswith("tls") and "half-closed" in case.name:
                    continue
                if (way == "long" and case.held_back) or (way == "direct" and case.proxied):
                    continue
                before = opened
                future = asyncio.run_coroutine_threadsafe(stage.play(case.script, port, **options), self._loop.loop)
                try:
                    played.seen[case.name] = future.result(DEADLINE * 2)
                except AssertionError as error:
                    played.seen[case.name] = Seen(client_ended=str(error))
                played.took[case.name] = opened - before
        return played


def _trusting(lab: Lab, way: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(lab.authority.certificate_path)
    if way == "tls-1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory, loop: Loop, authority_folder: Path) -> Theatre:
    """Where the cases are played."""
    return Theatre(tmp_path_factory.mktemp("theatre"), loop, authority_folder)


def written_anew(case: Case, data: bytes) -> bytes:
    """What mitmproxy makes of ``data``: the chunks it forwards, and the heads, are its own."""
    for one, other in case.recut:
        data = data.replace(one, other)
    return data


def told(exchange: Exchange) -> Exchange:
    """An exchange without what differs from play to play."""
    request = replace(exchange.request, port=0)
    return replace(exchange, id=0, timing=Timing(0, None, None, None), connection="", request=request)


def way_of(way: str, data: bytes) -> bytes:
    """What an origin got, without what ``way`` does to it: a head that is changed is written anew."""
    if way.startswith("tls"):
        return data
    data = re.sub(rb"(?m)^(X|Y): *([^\r ]*) *\r$", rb"\1: \2\r", data)
    return re.sub(rb"(?m)^Host: [^\r]*", b"Host: shop", data)


def answered(exchange: Exchange) -> tuple[Any, ...]:
    """What of an exchange is the same however it comes."""
    request = exchange.request
    notes = {name: value for name, value in exchange.notes.items() if name != "host"}
    kind = exchange.failure and exchange.failure.kind
    return (request.body, request.trailers, exchange.response, kind, notes, exchange.body_truncated)


def cases(wanted: Callable[[Case], bool] = lambda _: True) -> pytest.MarkDecorator:
    """Once for each case that is ``wanted``."""
    return pytest.mark.parametrize("case", filter(wanted, CASES), ids=lambda case: case.name)


@cases()
def test_it_goes_the_short_way(theatre: Theatre, case: Case) -> None:
    assert theatre("short").seen[case.name].client_ended in ENDS
    assert theatre("short").took[case.name] == case.took
    assert [one.failure and one.failure.kind for one in theatre("short").tape[case.name]] == list(case.kinds)


@cases(lambda case: not case.proxied)
def test_it_looks_as_without_us(theatre: Theatre, case: Case) -> None:
    assert theatre("short").seen[case.name] == theatre("direct").seen[case.name]


@cases(lambda case: not case.held_back)
def test_it_looks_as_on_the_long_way(theatre: Theatre, case: Case) -> None:
    seen, other = theatre("short").seen[case.name], theatre("long").seen[case.name]
    assert theatre("long").took[case.name] == 0
    assert other.client == written_anew(case, seen.client)
    assert other.origin == [written_anew(case, one) for one in seen.origin]
    assert (other.client_ended, other.origin_ended) == (seen.client_ended, seen.origin_ended)
    assert [*map(told, theatre("long").tape[case.name])] == [*map(told, theatre("short").tape[case.name])]


@pytest.mark.parametrize("way", ["tls-1.2", "tls-1.3"])
@cases(lambda case: "reset" not in case.name and "half" not in case.name)  # asyncio has neither with TLS
def test_it_is_the_same_inside_tls(theatre: Theatre, case: Case, way: str) -> None:
    is_the_same(theatre, case, way)


@pytest.mark.parametrize("way", ["absolute", "dependency"])
@cases()
def test_it_is_the_same_where_the_head_is_changed(theatre: Theatre, case: Case, way: str) -> None:
    is_the_same(theatre, case, way)


def is_the_same(theatre: Theatre, case: Case, way: str) -> None:
    """Whether all see the same, and the tape too, but for what ``way`` makes of it."""
    plain, seen = theatre("short").seen[case.name], theatre(way).seen[case.name]
    assert theatre(way).took[case.name] == case.took
    assert (seen.client, seen.client_ended) == (plain.client, plain.client_ended)
    if way.startswith("tls"):  # whose last word may come to a socket that is closed, and is answered by a reset
        assert ["open" in one for one in seen.origin_ended] == ["open" in one for one in plain.origin_ended]
    else:
        assert seen.origin_ended == plain.origin_ended
    assert [way_of(way, one) for one in seen.origin] == [way_of(way, one) for one in plain.origin]
    tapes = [theatre(one).tape[case.name] for one in (way, "short")]
    assert [answered(one) for one in tapes[0]] == [answered(one) for one in tapes[1]]
