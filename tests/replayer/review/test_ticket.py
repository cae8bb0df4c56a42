"""The address that a browser is started with, which every user of the machine can read."""

from __future__ import annotations

import http.client
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from replayer.review.guard import Head
from replayer.review.ticket import Ticket, owners_of
from tests.corpus import each
from tests.replayer.review.conftest import Review

PATIENCE = 60.0
ROOT = Path(__file__).resolve().parents[3]
told = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system does not tell whose a connection is")


@each(
    ("method", "target", "owners", "fits"),
    [
        ("GET", "/?ticket={}", set(), True),  # not known
        ("GET", "/?ticket={}", {os.getuid()}, True),
        ("GET", "/?ticket={}", {0}, True),
        ("GET", "/?ticket={}", {os.getuid() + 1}, False),
        ("GET", "/?ticket={}", {os.getuid(), os.getuid() + 1}, False),
        ("GET", "/?ticket={}x", set(), False),
        ("GET", "/?ticket=", set(), False),
        ("GET", "/?token={}", set(), False),
        ("HEAD", "/?ticket={}", set(), False),
        ("POST", "/?ticket={}", set(), False),
        ("GET", "/api/state?ticket={}", set(), False),
    ],
)
def test_who_comes_in_by_it(method: str, target: str, owners: set[int], fits: bool) -> None:
    ticket = Ticket()
    head = Head(method, target.format(ticket.text), owners=frozenset(owners))
    assert ticket.fits(head) is fits
    assert ticket.taken(head) is fits
    good = Head("GET", f"/?ticket={ticket.text}")
    assert ticket.taken(good) is not fits, "who may not come in does not use it up"
    assert not ticket.fits(good)


def asked(review: Review, cookie: str = "", host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", review.port, timeout=PATIENCE)
    headers = {"Host": host or f"127.0.0.1:{review.port}", "Cookie": cookie}
    connection.request("GET", f"/?ticket={review.ticket.text}", headers=headers)
    answer = connection.getresponse()
    said = answer.read().decode(), str(answer.getheader("Set-Cookie"))
    connection.close()
    assert review.ticket.text not in said[0]
    return answer.status, said[1]


@pytest.mark.slow
def test_it_is_good_once(review: Review) -> None:
    assert asked(review, host="evil.test")[0] == 403
    status, cookie = asked(review)
    assert (status, review.guard.session in cookie) == (200, True)
    assert asked(review) == (403, "None")
    assert asked(review, cookie.partition(";")[0]) == (200, "None")  # the page itself


@told
def test_the_user_at_the_other_end_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert owners_of(connection) == {os.getuid()}


@told
@pytest.mark.slow
@pytest.mark.end_to_end
@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_does_not_come_in_by_it(review: Review) -> None:
    code = (
        "import encodings.idna, http.client, os, sys\n"
        "try:\n    os.setuid(65534)\nexcept OSError:\n    sys.exit(print('none'))\n"
        "connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=60)\n"
        "connection.request('GET', f'/?ticket={sys.argv[2]}')\nprint(connection.getresponse().status)\n"
    )
    words = [sys.executable, "-c", code, str(review.port), review.ticket.text]
    status = subprocess.check_output(words, timeout=PATIENCE, text=True).strip()
    if status == "none":
        pytest.skip("there is no other user in this container")
    assert status == "403"
    assert asked(review)[0] == 200


@pytest.mark.slow
@pytest.mark.end_to_end
def test_the_list_of_processes_never_holds_the_token(folder: Path) -> None:
    """With a terminal, and a browser that says what it was started with."""
    browser, seen = folder / "browser", folder / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{seen}.new"\nmv "{seen}.new" "{seen}"\n', encoding="utf-8")
    browser.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(ROOT), "BROWSER": f"{browser} %s"}
    words = [sys.executable, "-m", "retape", "review", "run.sqlite", "--recorded", "shop.sqlite"]
    ours, its = pty.openpty()
    with subprocess.Popen(words, cwd=folder, env=environment, stdout=its, stderr=subprocess.DEVNULL) as process:
        os.close(its)
        try:
            with os.fdopen(os.dup(ours), encoding="utf-8") as terminal:
                token = parse_qs(urlsplit(terminal.readline().strip()).query)["token"][0]
            limit = time.monotonic() + PATIENCE
            while not seen.exists() and time.monotonic() < limit:
                time.sleep(0.02)
            address = seen.read_text(encoding="utf-8")
            assert len(parse_qs(urlsplit(address).query)["ticket"][0]) * 6 >= 128
            assert token not in address
        finally:
            process.send_signal(signal.SIGTERM)
            os.close(ours)
