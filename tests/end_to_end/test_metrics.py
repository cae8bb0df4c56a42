"""A recorder watched from outside: curl asks for its numbers, Prometheus's own parser reads them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from captures.service import free_port
from captures.store import Capture
from tests.end_to_end.processes import Bench, Recording, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

PARSE = """
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
samples = [(s.name, s.labels, s.value, f.type) for f in parse(sys.stdin.read()) for s in f.samples]
print(json.dumps(samples))
"""
TYPE = "text/plain; version=0.0.4; charset=utf-8"


def curl(*words: str) -> tuple[int, str]:
    """The status and the body that curl got."""
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-w", "\n%{http_code} %{content_type}", *words],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    body, _, last = done.stdout.rpartition("\n")
    code, _, kind = last.partition(" ")
    assert kind == TYPE or int(code) != 200 or not words[-1].endswith("/metrics")
    return int(code), body


def scraped(recording: Recording, third_party: Path) -> dict[str, Any]:
    """The samples by name, or by name and reason."""
    code, text = curl(f"http://127.0.0.1:{recording.ports['metrics']}/metrics")
    assert code == 200
    parsed = subprocess.run(
        [third_party / "python", "-c", PARSE], input=text, capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, Any] = {}
    for name, labels, value, kind in json.loads(parsed.stdout):
        assert kind == ("counter" if name.endswith("_total") else "gauge")
        found[name + "".join(f" {label}" for label in labels.values() if "info" not in name)] = value
    return found


def test_the_numbers_of_a_recording(bench: Bench, third_party: Path) -> None:
    origin = free_port()
    bench.start(third_party / "gunicorn", "--bind", f"127.0.0.1:{origin}", "--threads", "4", "httpbin:app")
    url = f"http://127.0.0.1:{origin}"
    wait_until(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=False).returncode == 0, "httpbin")
    capture = bench.folder / "watched.sqlite"
    config = bench.work / "retape.toml"
    config.write_text('[record]\nmetrics = "0"\nmax_body = 1000\n')
    recording = bench.record(capture, "--inbound", f"0={url}")
    assert curl(f"http://127.0.0.1:{recording.ports['metrics']}/healthz") == (200, "ok\n")
    for path in ("/get", "/status/503", "/bytes/5000"):
        curl("-H", "Authorization: Bearer sk-not-a-real-one-0123456789", "-o", "/dev/null", recording.inbound + path)

    def numbers() -> dict[str, Any] | None:
        found = scraped(recording, third_party)
        return found if found["retape_exchanges_written_total"] == 3 else None

    found = wait_until(numbers, "three exchanges in the scrape")
    assert found["retape_exchanges_seen_total"] == 3
    assert found["retape_exchanges_truncated_total"] == 1
    assert found["retape_redacted_values_total"] >= 3
    assert found["retape_recording"] == found["retape_build_info"] == 1
    assert found["retape_exchanges_open"] == found["retape_queue_exchanges"] == found["retape_queue_bytes"] == 0
    assert found["retape_exchanges_dropped_total queue_full"] == 0
    on_disk = sum(Path(f"{capture}{end}").stat().st_size for end in ("", "-wal"))
    assert found["retape_capture_size_bytes"] == on_disk
    disk = os.statvfs(capture.parent)
    assert found["retape_disk_free_bytes"] == pytest.approx(disk.f_bavail * disk.f_frsize, rel=0.2)
    _, text = curl(f"http://127.0.0.1:{recording.ports['metrics']}/metrics")
    assert all(word not in text for word in ("status", "bytes/5000", "not-a-real-one", str(origin))), "no traffic"
    assert recording.stop()["written"] == 3
    with Capture.open(capture) as opened:
        assert opened.count() == 3


def test_a_proxy_that_hangs_is_not_healthy(bench: Bench, third_party: Path) -> None:
    recording = bench.record(bench.folder / "hung.sqlite", "--outbound", "0", "--metrics", "0")
    health = f"http://127.0.0.1:{recording.ports['metrics']}/healthz"
    assert curl(health) == (200, "ok\n")
    (child,) = [
        int(pid)
        for pid in Path(f"/proc/{recording.process.pid}/task/{recording.process.pid}/children").read_text().split()
        if b"recorder.proxy" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(child, signal.SIGSTOP)
    try:
        wait_until(lambda: curl(health)[0] == 503, "ill health")
        assert "has not reported" in curl(health)[1]
        assert scraped(recording, third_party)["retape_counters_age_seconds"] > 10
    finally:
        os.kill(child, signal.SIGCONT)
    wait_until(lambda: curl(health)[0] == 200, "good health")
    recording.stop()
