"""Starting, wiring and stopping a service: real processes."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import pytest

from captures.errors import TargetError, UsageError
from captures.service import CA_VARIABLES, Service, Wiring, environment, free_port
from captures.trust import Authority

SERVER = (
    "import http.server, sys;"
    " http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
)


def start(code: str, *arguments: str, port: int | None = None) -> Service:
    return Service.start([sys.executable, "-c", code, *arguments], os.environ, port=port, echo=io.BytesIO())


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_ready_when_its_port_accepts(tmp_path: Path) -> None:
    with start(SERVER, "{port}", port=free_port()) as service:
        service.wait_ready(20)
        service.wait_ready(20, url=f"http://127.0.0.1:{service.port}/")
        assert service.returncode is None
    assert service.returncode is not None


def test_the_port_is_in_the_environment() -> None:
    service = start("import os; print(os.environ['PORT'], os.environ['RETAPE_PORT'])", port=12345)
    assert service.wait(20) == 0
    assert service.stderr_tail() == "12345 12345"


def test_exiting_at_once_shows_its_last_lines() -> None:
    service = start("import sys; print('no database', file=sys.stderr); sys.exit(3)", port=free_port())
    with pytest.raises(TargetError) as caught:
        service.wait_ready(20)
    assert "exited with code 3" in caught.value.message
    assert "no database" in caught.value.message


@pytest.mark.slow
def test_never_listening_is_a_sentence_after_the_timeout() -> None:
    with (
        start("import time; time.sleep(60)", port=free_port()) as service,
        pytest.raises(TargetError, match="did not answer"),
    ):
        service.wait_ready(0.2)


def test_no_such_command() -> None:
    with pytest.raises(UsageError, match="no command 'no-such-thing'"):
        Service.start(["no-such-thing"], os.environ)
    with pytest.raises(UsageError, match="No command"):
        Service.start([], os.environ)


def test_stopping_takes_the_children_along(tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        "import subprocess, sys, time, pathlib; child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        " signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)']);"
        f" pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    service = start(code)
    deadline = time.monotonic() + 60
    while not (note.exists() and note.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child = int(note.read_text())
    service.stop(grace=2)
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_every_client_is_routed_and_trusts(tmp_path: Path) -> None:
    authority = Authority.load_or_create(tmp_path / "ca")
    wiring = Wiring("http://127.0.0.1:4141", authority, {"PAYMENTS_URL": "http://127.0.0.1:4242"})
    result = environment(
        wiring, {"KEEP": "1", "NO_PROXY": "localhost", "JAVA_TOOL_OPTIONS": "-Xmx1g"}, tmp_path / "work"
    )
    assert result["KEEP"] == "1"
    assert {result[name] for name in ("HTTP_PROXY", "https_proxy")} == {"http://127.0.0.1:4141"}
    assert result["NO_PROXY"] == ""
    assert all(Path(result[name]).exists() for name in CA_VARIABLES)
    assert Path(result["NODE_EXTRA_CA_CERTS"]).read_text().count("BEGIN") == 1
    assert result["JAVA_TOOL_OPTIONS"].startswith("-Xmx1g -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=4141")
    assert "-Djavax.net.ssl.trustStore=" in result["JAVA_TOOL_OPTIONS"]
    assert result["PAYMENTS_URL"] == "http://127.0.0.1:4242"


@pytest.mark.slow
def test_what_the_user_tells_wget_still_counts(tmp_path: Path) -> None:
    authority = Authority.load_or_create(tmp_path / "ca")
    (tmp_path / ".wgetrc").write_text("tries = 7")
    result = environment(Wiring(None, authority), {"HOME": str(tmp_path)}, tmp_path / "work")
    written = Path(result["WGETRC"])
    assert written.read_text() == f"tries = 7\nca_certificate = {result['SSL_CERT_FILE']}\n"
    assert written.stat().st_mode & 0o777 == 0o600


def test_nothing_is_touched_without_wiring(tmp_path: Path) -> None:
    assert environment(Wiring(), {"A": "b"}, tmp_path) == {"A": "b"}
