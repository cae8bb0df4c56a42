"""What is remembered of connections is forgotten with them."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from recorder import connections
from recorder.connections import HOSTS, OTHERS, Connections, Doors
from recorder.listeners import LOOPBACK
from tests.recorder.conftest import Lab, connect, inbound, until


def test_so_many_hosts_are_counted_by_name() -> None:
    warned: list[str] = []
    counted = Connections(Doors(), lambda what, where: warned.append(where))
    for _ in range(2):
        for number in range(HOSTS + 50):
            counted._count(counted.untrusted, "untrusted", f"host-{number}.test")
    assert counted.untrusted == Counter({OTHERS: 100, **{f"host-{number}.test": 2 for number in range(HOSTS)}})
    assert len(warned) == HOSTS + 1


@pytest.mark.slow
def test_a_client_that_leaves_while_its_server_is_connected_to_leaves_nothing_behind(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Connections] = []
    told: list[str] = []

    class Watched(Connections):
        def __init__(self, doors: Doors, warn: Callable[[str, str], None]) -> None:
            super().__init__(doors, warn)
            made.append(self)

        def server_connect_error(self, data: Any) -> None:
            super().server_connect_error(data)
            told.append(data.client.id)

    monkeypatch.setattr(connections, "Connections", Watched)
    with socket.create_server((LOOPBACK, 0), backlog=0) as deaf:  # nobody accepts, and its queue is full: it hangs
        port = deaf.getsockname()[1]
        waiting = [socket.socket() for _ in range(2)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((LOOPBACK, port))
        with lab.recording(inbound(port)) as running:
            for _ in range(3):
                with connect(running.port()) as client:
                    client.sendall(b"GET /left HTTP/1.1\r\nHost: shop\r\n\r\n")
                    until(lambda: running.last("counters")["open"] if running.has("counters") else 0, "the request")
            until(lambda: len(told) == 3, "what is told of the connections")
            assert made[0]._unreachable == {}
        for one in waiting:
            one.close()
