from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from captures.store import Capture
from captures.unended import complete, left_by
from captures.writer import CaptureWriter, is_being_written
from tests.captures.making import exchange

ROOT = Path(__file__).parents[2]
KILLED = """
import os, sys
from captures.model import Cause, CauseHow, Direction
from captures.writer import CaptureWriter
from tests.captures.making import exchange

writer = CaptureWriter(sys.argv[1], mode="record", meta={"recording": "mine"})
caused = Cause(CauseHow.WINDOW, 2, "it was open")
writer.put(exchange(1))
writer.put(exchange(3, direction=Direction.OUTBOUND, cause=caused))
writer.put(exchange(4, direction=Direction.OUTBOUND, cause=Cause(CauseHow.WINDOW, 1, "it was open")))
assert writer.flush()
os.kill(os.getpid(), 9)
"""


def test_a_session_that_was_killed_gets_an_end_and_a_count(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    for recording in ("before", "mine"):  # an earlier one of the same name, and an earlier session of this one
        with CaptureWriter(path, mode="record", meta={"recording": recording}) as writer:
            writer.put(exchange(writer.reserve_id() + 10))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    CaptureWriter(tmp_path / "x-other.sqlite", mode="record", meta={"recording": "another"}).close()
    found = left_by("mine", path, [str(path)], {(str(path), 2)})
    assert found.files == ((str(path), 3),)
    assert (found.unended, found.written, found.dropped) == (frozenset(found.files), 3, 0)
    complete(found, 99.0, 7, {"writer_died": 7})
    with Capture.open(path) as opened:
        assert opened.check() == ["session 3 dropped 7 of 10 exchanges"]
        session = opened.sessions()[2]
        assert (session.ended, session.seen, session.written, session.dropped) == (99.0, 10, 3, 7)
        assert session.meta == {"recording": "mine", "writer_died": 7}
        causes = {one.id: (one.cause.exchange, one.cause.evidence) for one in opened.exchanges() if one.cause}
    assert causes == {
        3: (None, "it was open; exchange 2 was lost with the writing process"),
        4: (1, "it was open"),
    }
    assert not is_being_written(path)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("x.sqlite")] == ["x.sqlite"]
    assert left_by("nobody's", path).files == ()
