"""curl, as a client whose every sight is kept: heads as they came, 1xx and trailers among them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from captures.model import Headers
from tests.end_to_end.processes import clean_environment
from tests.end_to_end.wire.seen import Seen

QUIET = ("curl", "--silent", "--noproxy", "", "--max-time", "20")


def curl(folder: Path, url: str, *options: str) -> Seen:
    """Ask for ``url``. ``folder`` is one of its own."""
    head, body = folder / "head", folder / "body"
    for path in (head, body):
        path.write_bytes(b"")
    argv = [*QUIET, "--dump-header", str(head), "--output", str(body), *options, url]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False, env=clean_environment())
    shown = b"" if "--head" in options else body.read_bytes()  # asked for a head, curl writes it there
    return parse(head.read_bytes(), shown, f"curl {done.returncode}" if done.returncode else "")


def parse(heads: bytes, body: bytes, error: str = "") -> Seen:
    """What curl dumped: any number of 1xx heads (and of a proxy's CONNECT), the final head, and trailers."""
    seen = Seen(body=body, error=error)
    informational: list[tuple[int, Headers]] = []
    version, status, reason = "", 0, b""
    headers: list[tuple[bytes, bytes]] = []
    trailers: list[tuple[bytes, bytes]] = []
    ended = False
    for line in heads.replace(b"\r\n", b"\n").split(b"\n")[:-1]:
        if line.startswith(b"HTTP/") and (ended or not version):
            first, _, rest = line.partition(b" ")
            code, _, reason = rest.partition(b" ")
            version, status = first[5:].decode(), int(code or b"0")
            headers, ended = [], False
        elif not line:
            if not ended and 100 <= status < 200:
                informational.append((status, tuple(headers)))
            ended = True
        elif line[:1] in b" \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, value + b"\r\n" + line)
        else:
            name, _, value = line.partition(b":")
            (trailers if ended else headers).append((name, value))
    return Seen(version, status, reason, tuple(headers), seen.body, tuple(trailers), tuple(informational), seen.error)
