"""``retape stub`` as a process, used by a client that nobody here wrote."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from captures.model import Timing
from tests.replayer.tapes import NOW, Tape, request, response

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_stubs_alone_in_the_recorded_order_until_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path, dependencies={"pay": {"url": "https://pay.test/v2", "env": "PAY_URL"}}) as tape:
        for number in (1, 2):
            first = tape.inbound(request(), response())
            tape.outbound(first, request(target="/n", host="count.test"), response(200, {"n": number}))
        tape.outbound(None, request(target="/v2/k", host="pay.test", scheme="https"), response(200, {"k": 1}))
        tape.outbound(None, request(target="/never", host="pay.test", scheme="https"), response(200, {}))
    serving = subprocess.Popen(
        [sys.executable, str(ROOT / "retape.py"), "stub", str(path), "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert serving.stdout is not None
    try:
        ready = json.loads(serving.stdout.readline())
        trust = ssl.create_default_context(cafile=ready["ca"])
        with httpx.Client(proxy=ready["proxy"], verify=trust, trust_env=False, timeout=60) as client:
            assert [client.get("http://count.test/n").json()["n"] for _ in range(3)] == [1, 2, 2]
            assert client.get("https://pay.test/v2/k").json() == {"k": 1}
            miss = client.get("http://count.test/other")
            assert miss.status_code == 502
            assert miss.headers["x-retape-miss"] == "1"
        assert ready["env"]["HTTPS_PROXY"] == ready["proxy"]
        with httpx.Client(trust_env=False, timeout=60) as client:
            assert client.get(ready["env"]["PAY_URL"] + "/k").json() == {"k": 1}
    finally:
        serving.send_signal(signal.SIGINT)
        out, err = serving.communicate(timeout=60)
    assert json.loads(out) == {"event": "done", "served": 5, "missed": 1, "unused": 1}
    assert "Traceback" not in err
    assert serving.returncode == 0


@pytest.mark.slow
def test_stubs_alone_in_recorded_time_by_the_users_rules_and_over_http2(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Tape(path) as tape:
        slow = Timing(NOW, NOW, NOW + 1.0, NOW + 1.0)
        asked = request("POST", "/charges", {"amount": 100}, host="pay.test", scheme="https")
        tape.outbound(None, replace(asked, http_version="HTTP/2.0"), response(200, {"paid": True}), timing=slow)
    rules = tmp_path / "more.toml"
    rules.write_text(
        '[[rules]]\nid = "fees"\nlocation = "outbound pay POST /charges request.body $.amount"\n'
        'expect = "number"\ntolerance = "5%"\nreason = "fees move"\n'
    )
    more = ["--latency", "0.3", "--rules", str(rules), "--on-miss", "strict", "--format", "json"]
    serving = subprocess.Popen(
        [sys.executable, str(ROOT / "retape.py"), "stub", str(path), *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert serving.stdout is not None
    try:
        ready = json.loads(serving.stdout.readline())
        trust = ssl.create_default_context(cafile=ready["ca"])
        with httpx.Client(proxy=ready["proxy"], verify=trust, trust_env=False, http2=True, timeout=60) as client:
            answer = client.post("https://pay.test/charges", json={"amount": 104})
            assert (answer.http_version, answer.json()) == ("HTTP/2", {"paid": True})
            assert answer.elapsed.total_seconds() >= 0.3
            miss = client.post("https://pay.test/charges", json={"amount": 150}).json()
    finally:
        serving.send_signal(signal.SIGINT)
        serving.communicate(timeout=60)
    assert miss["edits"] == ["replace body $.amount 150 by 100"]
    assert 'location = "outbound pay POST /charges request.body $.amount"' in miss["rules"]
