"""Customers, recorded with everything that is theirs replaced, and replayed: clean, and nothing of it in any file."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from captures.model import Direction
from captures.store import Capture
from tests.captures.test_redaction import everything
from tests.end_to_end.processes import Bench, read_report

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

CUSTOMERS = [
    {"mail": "ada.l@shop.io", "card": "4539578763621486", "iban": "DE12500105170648489890", "phone": "+49301234567"},
    {
        "mail": "Bob_17@mail.shop.io",
        "card": "4916338506082832",
        "iban": "DE89370400440532013000",
        "phone": "+33612345678",
    },
]
COMMAND = [sys.executable, str(Path(__file__).with_name("people.py")), "{port}"]


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body or None, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def test_a_replay_of_pseudonyms_is_clean_and_no_file_holds_what_they_stand_for(bench: Bench) -> None:
    path, report = bench.work / "people.sqlite", bench.work / "report.json"
    recording = bench.record(path, "--inbound", "0", command=COMMAND)
    port = int(recording.inbound.rpartition(":")[2])
    for one in CUSTOMERS:
        body = json.dumps(one).encode()
        assert ask(port, "POST", "/customers", body, **{"Content-Type": "application/json"}) == 201
        assert ask(port, "GET", f"/customers/{quote(one['mail'])}") == 200
        assert ask(port, "GET", f"/customers?mail={quote(one['mail'], safe='')}") == 200
        assert ask(port, "GET", f"/customers/{one['mail']}", Accept="text/xml") == 200
    assert ask(port, "GET", "/customers/nobody@shop.io") == 404
    for _ in range(2):
        assert ask(port, "GET", "/about") == 200
    recording.stop()

    bench.run("replay", path, "--report", f"json={report}", "-o", bench.work / "run.sqlite", "--", *COMMAND).expect(0)
    result = read_report(report)
    assert (result["verdict"], result["reasons"], result["groups"]) == ("clean", [], [])
    assert result["ledger"]["replayed"] == 11
    for file in (path, bench.work / "run.sqlite"):
        with Capture.open(file) as opened:
            exchanges = list(opened.exchanges(direction=Direction.INBOUND))
        assert [one.response.status for one in exchanges if one.response] == [201, 200, 200, 200] * 2 + [404, 200, 200]
        stored = b"".join(map(everything, exchanges)) + file.read_bytes()
        for one in CUSTOMERS:
            for value in one.values():
                assert value.encode() not in stored
                assert quote(value, safe="").encode() not in stored
        bench.run("capture", "verify", file, "--secrets").expect(0)
