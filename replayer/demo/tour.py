"""The steps of ``retape demo``: each runs the command that it shows, so that the reader can run it again."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from captures.errors import TargetError, UsageError
from replayer.demo.world import dependency, shopping

CAPTURE, SAME, NEXT, REPORT, SHOP, SETTINGS = (
    "shop.sqlite", "run-same.sqlite", "run-next.sqlite", "report.html", "shop.py", "retape.toml",
)  # fmt: skip
MARK = "# Made by retape demo: how this folder is known again."
TOML = f"""{MARK}
# The customers are made up; their passwords are kept, so that a replay can log in.
[redact]
keep = ["password"]
"""
PATIENCE = 120.0
"""Seconds the recorder gets to start or to stop: a machine may be slow."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    report: Path
    groups: int  # of drift between the two builds


class Tour:
    """The demo in ``folder``. ``say`` gets a line for people at a time."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        hidden = {"RETAPE_STATE_DIR", "RETAPE_REDACT_KEY"}  # everything of the demo lies in its folder
        self._env = {name: value for name, value in os.environ.items() if name not in hidden}

    def run(self) -> Outcome:
        """Record, replay against the same build, replay against the next. Raises a :class:`RetapeError`."""
        try:
            self._prepare()
        except OSError as error:
            raise UsageError(
                f"{self._folder} cannot be written: {error.strerror}.",
                hint="Name a folder that can: retape demo -o FOLDER",
            ) from error
        self._record()
        self._replay(SAME, "recorded", 0)
        groups = self._replay(NEXT, "next", 1, "--report", f"html={REPORT}")
        return Outcome(self._folder / REPORT, groups)

    def _prepare(self) -> None:
        folder = self._folder
        settings = folder / SETTINGS
        ours = settings.is_file() and MARK in settings.read_text(encoding="utf-8", errors="replace")
        if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is there and not of a demo.", hint="Name another folder: retape demo -o FOLDER")
        shutil.rmtree(folder / ".retape", ignore_errors=True)
        for old in (*folder.glob("*.sqlite*"), folder / REPORT):
            old.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(TOML, encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name(SHOP), folder / SHOP)

    def _record(self) -> None:
        with ExitStack() as around:
            stock, payments = around.enter_context(dependency()), around.enter_context(dependency())
            words = ["record", "--inbound", "0", "--dependency", f"stock={stock}@STOCK_URL"]
            words += ["--dependency", f"payments={payments}@PAYMENTS_URL", "-o", CAPTURE]
            self._show("1. Record the shop while six customers use it; stock and payments are real", words, "recorded")
            events = [*words, "--format", "json", *self._service("recorded")]
            with self._running(events) as recorder:
                asked = shopping(_front(recorder))
            if recorder.returncode != 0:
                raise TargetError(f"The recording ended with exit code {recorder.returncode}.", hint="retape doctor")
        self._say(f"   {asked} requests are in {CAPTURE}. Stock and payments are switched off now.")

    def _replay(self, run: str, build: str, expected: int, *more: str) -> int:
        """Replay against ``build``; how many groups of drift there are."""
        words = ["replay", CAPTURE, "-o", run, *more]
        what = "the same build: what differs by itself is no drift" if expected == 0 else "the next build of the shop"
        self._show(f"{2 if expected == 0 else 3}. Replay it against {what}", words, build)
        result = self._folder / f"{Path(run).stem}.json"
        terminal = ["--report", "terminal"] if expected else []
        done = subprocess.run(
            [*_RETAPE, *words, *terminal, "--report", f"json={result.name}", "-q", *self._service(build)],
            cwd=self._folder, env=self._env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != expected or not result.exists():
            raise TargetError(
                f"The replay ended with exit code {done.returncode} instead of {expected}: {done.stderr.strip()}"
            )
        if done.stdout.strip():
            self._say(f"\n{done.stdout.strip()}\n")
        said = json.loads(result.read_text(encoding="utf-8"))
        result.unlink()
        counts = [f"{number} {name.replace('_', ' ')}" for name, number in said["ledger"].items() if number]
        self._say(f"   Verdict: {said['verdict']} ({', '.join(counts)})")
        return len(said["groups"])

    def _service(self, build: str) -> list[str]:
        return ["--", sys.executable, SHOP, "--port", "{port}", "--build", build]

    def _show(self, title: str, words: Sequence[str], build: str) -> None:
        self._say(f"\n{title}\n   $ retape {shlex.join(words)} -- python {SHOP} --port {{port}} --build {build}")

    @contextmanager
    def _running(self, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """``retape`` with its events on a pipe, stopped at the end as by Ctrl-C; not left behind."""
        process = subprocess.Popen(
            [*_RETAPE, *words], cwd=self._folder, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


_RETAPE = (sys.executable, "-P", "-m", "retape")


def _front(recorder: subprocess.Popen[str]) -> str:
    """Where the recorder listens for clients, once it and the shop are ready."""
    assert recorder.stdout is not None
    port = 0
    for line in recorder.stdout:
        event: Mapping[str, object] = json.loads(line)
        if event["event"] == "listening" and event.get("role") == "inbound":
            port = int(str(event["port"]))
        if event["event"] == "ready":
            return f"http://127.0.0.1:{port}"
    raise TargetError(f"The recorder did not start (exit code {recorder.wait()}).", hint="retape doctor")


def ideas(folder: Path, known: Sequence[str]) -> list[tuple[str, str]]:
    """What to try next in ``folder``: commands, as far as they are ``known``, and what they show."""
    service = "python shop.py --port {port}"
    every = [
        (f"retape capture ls {CAPTURE}", "what was recorded"),
        (f"retape capture show {CAPTURE} --chains", "which ids and tokens came back in later requests"),
        (f"retape review {NEXT}", "decide about each drift in the browser"),
        (f"retape rules suggest {NEXT}", "a rule for what may differ"),
        (f"retape pin {CAPTURE} --only 'endpoint:\"POST /orders\"' -o pins", "keep an order as a readable test"),
        (f"retape replay {CAPTURE} -- {service} --build next", "again, after you changed shop.py"),
    ]
    there = os.path.relpath(folder)
    first = [(f"cd {shlex.quote(there)}", "everything lies there")] if there != "." else []
    return first + [(line, why) for line, why in every if line.split()[1] in known]
