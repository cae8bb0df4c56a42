"""A network namespace: real ones, where they can be made."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from captures.errors import UsageError
from captures.service import Service
from replayer import enclosed, isolation
from replayer.isolation import Namespace

ADDRESSES = ("192.0.2.1", "203.0.113.7", "10.0.0.1")  # RFC 5737, and one that could be a staging database
ATTEMPTS = f"""
import socket, sys
for address in {ADDRESSES!r}:
    try:
        socket.create_connection((address, 443), 5)
    except OSError as error:
        print(error.errno)
try:
    socket.getaddrinfo("payments.test", 443)
except OSError as error:
    print("no name")
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).sendall(b"from inside")
"""
SERVER = (
    "import http.server, sys;"
    " http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
)
FORKER = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " start_new_session=True); print(child.pid, flush=True); time.sleep(60)"
)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    try:
        made = Namespace.open()
    except UsageError as error:
        pytest.skip(error.message)
    with made:
        yield made


def run_inside(namespace: Namespace, code: str, *arguments: object) -> Service:
    words = [sys.executable, "-c", code, *(str(one) for one in arguments)]
    return Service.start(words, os.environ, echo=io.BytesIO(), doorway=namespace.doorway)


def until(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_inside_there_is_nothing_but_our_listener(namespace: Namespace) -> None:
    with namespace.listen("127.0.0.1", 0) as listening:
        listening.listen()
        listening.settimeout(20)
        service = run_inside(namespace, ATTEMPTS, listening.getsockname()[1])
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(100) == b"from inside"
    assert service.wait(20) == 0, service.stderr_tail()
    assert service.stderr_tail().split() == [str(errno.ENETUNREACH)] * len(ADDRESSES) + ["no", "name"]


@pytest.mark.slow
def test_what_listens_inside_is_reached_from_inside_alone(namespace: Namespace) -> None:
    port = namespace.free_port()
    words = [sys.executable, "-c", SERVER, "{port}"]
    with Service.start(words, os.environ, port=port, echo=io.BytesIO(), doorway=namespace.doorway) as service:
        service.wait_ready(20)
        service.wait_ready(20, url=f"http://localhost:{port}/")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        with asyncio.run(namespace.dial("localhost", port)) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


def test_nobody_listens_is_a_refused_connection(namespace: Namespace) -> None:
    with pytest.raises(ConnectionRefusedError):
        namespace.connect(("127.0.0.1", 9), timeout=5)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(namespace.dial("127.0.0.1", 9))
    with namespace.listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            namespace.listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.slow
def test_closing_kills_also_what_left_the_process_group(namespace: Namespace) -> None:
    service = run_inside(namespace, FORKER)
    until(service.stderr_tail)
    child = int(service.stderr_tail())
    service.stop()
    assert alive(child), "it left the group, so stopping the service did not end it"
    namespace.close()
    until(lambda: not alive(child))
    namespace.close()  # again is fine


@pytest.mark.slow
def test_killed_ourselves_everything_inside_goes(namespace: Namespace, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from captures.service import Service; from replayer.isolation import Namespace\n"
        "namespace = Namespace.open()\n"
        f"service = Service.start([sys.executable, '-c', {FORKER!r}], os.environ, doorway=namespace.doorway)\n"
        "while not service.stderr_tail():\n    time.sleep(0.01)\n"
        f"Path({str(note)!r}).write_text(f'{{namespace._holder.pid}} {{service.pid}} {{service.stderr_tail()}}\\n')\n"
        "time.sleep(60)\n"
    )
    us = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    until(lambda: note.exists() and note.read_text().endswith("\n"), 20)
    pids = [int(word) for word in note.read_text().split()]
    assert len(pids) == 3
    assert all(alive(pid) for pid in pids)
    us.send_signal(signal.SIGKILL)
    us.wait()
    until(lambda: not any(alive(pid) for pid in pids))


def test_no_such_command_is_said_as_ever(namespace: Namespace) -> None:
    with pytest.raises(UsageError, match="no command 'no-such-thing'"):
        Service.start(["no-such-thing"], os.environ, doorway=namespace.doorway)


@pytest.mark.slow
def test_who_is_not_root_makes_one_and_stays_who_he_is(namespace: Namespace) -> None:
    """In a process of another user, by a Python that this one may run."""
    python = "/usr/bin/python3"
    if os.geteuid() != 0 or not Path(python).exists():
        pytest.skip("becoming another user needs root, and a Python that everybody may run")
    folder = Path(tempfile.mkdtemp(prefix="retape-test-"))
    try:
        folder.chmod(0o755)
        script = Path(shutil.copy(enclosed.__file__, folder))
        script.chmod(0o644)
        inside = f"import os, socket; print(os.getuid())\n{ATTEMPTS}".replace("int(sys.argv[1])", "9")
        code = (
            "import io, os, sys; from captures.service import Service; from replayer import isolation\n"
            f"isolation._SCRIPT = ({python!r}, '-I', '-S', {str(script)!r})\n"
            "os.setgroups([]); os.setgid(12345); os.setuid(12345)\n"
            "with isolation.Namespace.open() as namespace:\n"
            f"    one = Service.start([{python!r}, '-c', {inside!r}], os.environ, echo=io.BytesIO(),"
            " cwd='/', doorway=namespace.doorway)\n"
            "    one.wait(20); print(one.stderr_tail())\n"
        )
        seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        if "cannot be made here" in seen.stderr:
            pytest.skip("who is not root may not make namespaces here")
        # what refuses at the end comes by another pipe, before or after these
        numbers = [line for line in seen.stdout.split("\n") if line.isdigit()]
        assert numbers == ["12345", *[str(errno.ENETUNREACH)] * len(ADDRESSES)], seen.stdout + seen.stderr
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("answer", "said"), [("b'failed 1'", "Operation not permitted"), ("b'failed 28'", "No space"), ("b''", "no answer")]
)
def test_not_permitted_is_a_sentence_with_a_next_step(monkeypatch: pytest.MonkeyPatch, answer: str, said: str) -> None:
    code = f"import socket, sys; socket.socket(fileno=int(sys.argv[2])).send({answer})"
    monkeypatch.setattr(isolation, "_SCRIPT", (sys.executable, "-c", code))
    with pytest.raises(UsageError, match=said) as caught:
        Namespace.open()
    assert "Run as root" in str(caught.value.hint)


def test_elsewhere_than_on_linux_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="Linux"):
        Namespace.open()
