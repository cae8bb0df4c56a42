"""The whole loop on the demo shop: record build A, replay it against A (clean) and against B (seven drifts).

    python examples/demo.py        (or: make demo)

Leaves ``demo-report.html`` in the current directory, and the captures beside it in ``.demo/``. Exits 0 only when the
first replay is clean and the second reports exactly the drifts of ``shop/expected.json`` and nothing else.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOP = Path(__file__).resolve().parent / "shop"
NEEDED = ("retape", "mitmproxy", "starlette", "uvicorn", "httpx", "requests")
PATIENCE = 60.0
"""Seconds any process gets to start or to stop."""


class DemoFailed(Exception):
    """Something did not go as the demo promises."""


@dataclass(frozen=True, slots=True)
class Place:
    """What identifies a drift: its class, its endpoint and where in the exchange. Names of path parameters are a
    matter of taste, so ``{sku}`` is written ``{}`` here.
    """

    class_id: str
    endpoint: str
    location: str

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Place:
        """From a group of the JSON report, or an entry of ``expected.json``."""
        endpoint, location = (re.sub(r"\{[^{}]*\}", "{}", entry[name]) for name in ("endpoint", "location"))
        return cls(entry["class"], endpoint, location)

    def __str__(self) -> str:
        return f"{self.class_id} at {self.endpoint}, {self.location}"


def disagreements(groups: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the reported groups differ from the seeded drifts, one sentence each; empty when they are the same."""
    reported = [Place.of(group) for group in groups]
    said = []
    for entry in expected:
        if Place.of(entry) not in reported:
            said.append(f"missing: drift {entry['number']}, {entry['drift']} ({Place.of(entry)}; {entry['where']})")
    seeded = {Place.of(entry) for entry in expected}
    for place, group in zip(reported, groups, strict=True):
        if place not in seeded:
            said.append(f"not seeded: {place} ({group['recorded']!r} became {group['replayed']!r}, {group['count']} x)")
        elif reported.count(place) > 1:
            said.append(f"reported as more than one group: {place}")
    return list(dict.fromkeys(said))


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what happens, and how long it took."""
    print(f"\n==> {title}", flush=True)
    started = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - started:.1f} s", flush=True)


def stop(process: subprocess.Popen[str], how: signal.Signals) -> int:
    """End a process and await it; its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        raise DemoFailed(f"{shlex.join(map(str, process.args))} did not stop.") from None  # type: ignore[arg-type]


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with its stdout on a pipe; not left behind, however the demo ends."""
    process = subprocess.Popen(command, env=dict(env), cwd=cwd, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            stop(process, signal.SIGTERM)
        if process.stdout is not None:
            process.stdout.close()


def port_of(process: subprocess.Popen[str]) -> int:
    """The port a shop process says it serves on, in its first line."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise DemoFailed(f"{process.args!r} ended before it served (exit code {process.wait()}).")
    return int(json.loads(line)["port"])


def inbound_port_of(recorder: subprocess.Popen[str]) -> int:
    """Where the recorder listens for the shop's clients, once it and the shop behind it are ready."""
    assert recorder.stdout is not None
    port = 0
    for line in recorder.stdout:
        event = json.loads(line)
        if event["event"] == "listening" and event["role"] == "inbound":
            port = int(event["port"])
        if event["event"] == "ready":
            return port
    raise DemoFailed(f"retape record ended before it was ready (exit code {recorder.wait()}).")


class Demo:
    """The steps, in a working directory that holds everything but the HTML report."""

    def __init__(self, work: Path, report: Path, requests: int) -> None:
        self.work, self.report, self.requests = work, report, requests
        self.capture = work / "shop.sqlite"
        self.env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.env.pop("RETAPE_STATE_DIR", None)  # the state lies in the working directory, beside its retape.toml
        self.addresses: dict[str, str] = {}  # of the dependencies; on the command line, so that a report repeats it

    def retape(self, *words: str | Path) -> list[str]:
        """A retape command line, run with the Python that runs the demo."""
        return [sys.executable, "-m", "retape", *map(str, words)]

    def service(self, build: str) -> list[str]:
        """What comes after ``--``."""
        where = [word for name, url in self.addresses.items() for word in (f"--{name}", url)]
        return ["--", sys.executable, str(SHOP / "service.py"), "--port", "{port}", *where, "--build", build]

    def prepare(self) -> None:
        """A clean working directory with its own configuration and state, so that no other is found."""
        for old in (*self.work.glob("*.sqlite*"), *self.work.glob("*.json"), self.report):
            old.unlink(missing_ok=True)
        shutil.rmtree(self.work / ".retape", ignore_errors=True)
        self.work.mkdir(exist_ok=True)

    def record(self) -> None:
        """Payments, inventory, the recorder with build A behind it, and the customers."""
        ca = self.work / "payments-ca.pem"
        inventory = [sys.executable, str(SHOP / "inventory.py"), "--port", "0"]
        payments = [sys.executable, str(SHOP / "payments.py"), "--port", "0", "--ca", str(ca)]
        with running(inventory, self.env, self.work) as stock, running(payments, self.env, self.work) as tills:
            self.addresses["payments"] = f"https://127.0.0.1:{port_of(tills)}"
            self.addresses["inventory"] = f"http://127.0.0.1:{port_of(stock)}"
            settings = (SHOP / "retape.toml").read_text(encoding="utf-8")
            settings = settings.replace("https://127.0.0.1:9443", self.addresses["payments"])
            settings = settings.replace("http://127.0.0.1:9080", self.addresses["inventory"])
            (self.work / "retape.toml").write_text(settings, encoding="utf-8")
            recorder = self.retape("record", "--inbound", "0", "--outbound", "0", "--upstream-ca", ca)
            recorder += ["-o", self.capture.name, "--format", "json", *self.service("a")]
            with running(recorder, self.env, self.work) as recording:
                front = inbound_port_of(recording)
                traffic = [sys.executable, str(SHOP / "traffic.py"), f"http://127.0.0.1:{front}"]
                done = subprocess.run(
                    [*traffic, "--requests", str(self.requests)], env=self.env, stdout=subprocess.PIPE, text=True
                )
                code = stop(recording, signal.SIGINT)
            if done.returncode != 0:
                raise DemoFailed("The customers did not get through the shop.")
            if code != 0:
                raise DemoFailed(f"retape record ended with exit code {code}.")
            summary = json.loads(done.stdout)
            print(f"    {summary['requests']} requests over {len(summary['endpoints'])} endpoints", flush=True)
        if summary["requests"] != self.requests:
            raise DemoFailed(f"{summary['requests']} requests were made, not {self.requests}.")

    def replay(self, build: str, expected_exit: int, *reports: str) -> dict[str, Any]:
        """Replay the recording against a build; its JSON report. Raises DemoFailed on another exit code."""
        result = self.work / f"report-{build}.json"
        words: list[str | Path] = ["replay", self.capture.name, "-o", f"run-{build}.sqlite"]
        for spec in ("terminal", f"json={result}", *reports):
            words += ["--report", spec]
        done = subprocess.run(self.retape(*words, *self.service(build)), env=self.env, cwd=self.work)
        if not result.exists():
            raise DemoFailed(f"The replay against build {build.upper()} left no report (exit code {done.returncode}).")
        said: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        if done.returncode != expected_exit:
            wrong = "".join(f"\n  {Place.of(group)}" for group in said["groups"])
            wrong += "".join(f"\n  {reason}" for reason in said["reasons"])
            raise DemoFailed(
                f"The replay against build {build.upper()} ended with exit code {done.returncode} "
                f"instead of {expected_exit}.{wrong}"
            )
        return said

    def run(self) -> None:
        """Everything, in order. Raises DemoFailed."""
        self.prepare()
        with step(f"Record build A of the shop under {self.requests} requests; payments and inventory are real"):
            self.record()
        with step("Replay against build A; payments and inventory are stopped, the recording stands in for them"):
            said = self.replay("a", 0)
            if said["verdict"] != "clean" or said["groups"]:
                places = "".join(f"\n  {Place.of(group)}" for group in said["groups"])
                raise DemoFailed(f"Build A against itself is {said['verdict']}, not clean.{places}")
        with step("Replay against build B, which drifts in seven ways"):
            said = self.replay("b", 1, f"html={self.report}")
        expected = json.loads((SHOP / "expected.json").read_text(encoding="utf-8"))
        with step("Compare the report with the seven seeded drifts"):
            if wrong := disagreements(said["groups"], expected):
                raise DemoFailed("\n  ".join(["The report is not the seven seeded drifts:", *wrong]))
            if not self.report.exists():
                raise DemoFailed(f"{self.report.name} was not written.")
            for entry in expected:
                print(f"    {entry['number']}. {entry['drift']}: {entry['endpoint'].replace('{}', '…')}")


def main() -> int:
    """Run the demo; 0 when everything is as promised, 1 when not, 2 when something is not installed."""
    arguments = argparse.ArgumentParser(description="Record, replay and report on the demo shop.")
    arguments.add_argument("--work", type=Path, default=Path(".demo"), help="where captures and state go")
    arguments.add_argument("--requests", type=int, default=300)
    given = arguments.parse_args()
    report = Path.cwd() / "demo-report.html"
    started = time.monotonic()
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        print(f"The demo needs {', '.join(missing)}.\nhint: pip install 'retape[dev]'", file=sys.stderr)
        return 2
    try:
        Demo(given.work.absolute(), report, given.requests).run()
    except DemoFailed as error:
        print(f"\ndemo failed: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted.", file=sys.stderr, flush=True)
        return 130
    print(f"\nAs promised, in {time.monotonic() - started:.0f} s. Open {report.name} in a browser.")
    print(f"The commands that reproduce a group work in {given.work}/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
