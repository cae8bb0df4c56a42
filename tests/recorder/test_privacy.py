"""Nobody else may read what was recorded, nor the keys: also where the user's umask would let everybody."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recorder.conftest import answering, ask, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
PUBLIC = {"retape-ca.crt", ".gitignore", "mitmproxy-dhparam.pem"}  # a certificate, a line for git, public numbers


def modes(folder: Path) -> dict[str, int]:
    """Of ``folder`` and all in it."""
    found = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder.parent)): stat.S_IMODE(path.lstat().st_mode) for path in found}


@pytest.mark.slow
def test_modes_while_recording(tmp_path: Path, lab: Any) -> None:
    origin = lab.origin(answering(OK))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "RETAPE_STATE_DIR": str(tmp_path / "state"), "TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [sys.executable, "-m", "retape", "record", "--format", "json", "-o", str(tmp_path / "captures" / "x.sqlite"),
         "--inbound", f"0=http://127.0.0.1:{origin}"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, umask=0o022,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().partition('"port": ')[2].partition(",")[0])
        assert '"ready"' in process.stdout.readline()
        assert ask(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").endswith(b"ok")
        until(lambda: (tmp_path / "captures" / "x.sqlite-wal").stat().st_size, "something in the log")
        found = {}
        for name in ("captures", "state", "temporary"):
            found |= modes(tmp_path / name)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) is not None
    assert {"captures/x.sqlite", "captures/x.sqlite-wal", "captures/x.sqlite-shm", "captures/x.sqlite.lock"} <= set(
        found
    )
    assert {"state/mitmproxy-ca.pem", "state/redaction.key"} <= set(found)
    folders = {name for name in found if (tmp_path / name).is_dir()}
    inside_private = {name for name in found if name.startswith("temporary/retape-") and name.count("/") > 1}
    for name, mode in found.items():
        if name == "temporary" or name in inside_private or Path(name).name in PUBLIC:
            continue
        allowed = 0o700 if name in folders or name.startswith("temporary/") else 0o600
        assert mode & ~allowed == 0, f"{name} has mode {mode:04o}"
    after = modes(tmp_path / "captures")
    assert after == {"captures": 0o700, "captures/x.sqlite": 0o600}
