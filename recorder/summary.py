"""What the user sees of a recording: friendly text on stderr, or JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from captures.model import CauseHow, authority
from captures.redacting.commands import shown_command
from captures.store import Capture
from captures.wording import counted
from recorder.child import Event
from recorder.listeners import Listener, Role
from recorder.session import Outcome
from recorder.settings import Settings
from recorder.succession import paths_of
from recorder.watching.statusline import StatusLine
from recorder.watching.words import LEFT_OUT

ADVICE = {
    "untrusted": (
        "{where}: the service refused our certificate, so its calls there fail and are not recorded.",
        "Make it trust {ca}, or give the dependency a listener: --dependency NAME=https://{where}.",
    ),
    "unexpected_tls": (
        "{where}: a client came by https and refused our certificate; what it would have asked is not recorded.",
        "Let it use http:// there, or make it trust {ca}.",
    ),
    "distrusted": (
        "{where}: its certificate is not one we trust, so calls there fail; they are recorded as failed.",
        "Name the roots it is signed by, --upstream-ca FILE (PEM), or accept any: --insecure-upstream.",
    ),
    "refused": (
        "a request to the {where} listener was not HTTP the proxy could pass on; it was answered with 400.",
        "",
    ),
    "exposed": (
        "listening on {where}: whoever reaches that address can send requests through the recorder.",
        "Let a firewall or a network policy say who may, or listen on loopback: leave the host out.",
    ),
    "unrotated": (
        "the recording cannot go on in another file: {where}. It goes on in this one.",
        "",
    ),
    "proxy_died": (
        "a proxy process died ({where}): what it had open is cut, and counted as lost.",
        "",
    ),
    "writer_died": (
        "the writing process died ({where}); another one goes on with the recording.",
        "Look for who killed it: the kernel does where memory is short (smaller --max-body, fewer --workers).",
    ),
    "opaque": (
        "{where}: a connection is not HTTP; it passes through and is not recorded.",
        "",
    ),
}


NO_CALLS = (
    "hint: CMD made no call through the proxy. If it calls others, its HTTP client ignores HTTP_PROXY: Node.js reads "
    "it from 22.21 on, older ones need an agent; or give each dependency a listener, --dependency NAME=URL."
)


class TextObserver:
    """Progress and a summary for people, on ``out`` (stderr)."""

    def __init__(self, ca: str, out: TextIO | None = None) -> None:
        self._ca = ca
        self._out = out if out is not None else sys.stderr
        self._line = StatusLine(self._out)

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """One line per listener."""
        where = f"http://{authority(host, port)}"
        match listener.role:
            case Role.INBOUND:
                self._say(f"  inbound     {where}  ->  {listener.target.url if listener.target else ''}")
            case Role.OUTBOUND:
                self._say(f"  outbound    {where}  (proxy for HTTP and HTTPS)")
            case Role.DEPENDENCY:
                given = f"  ({listener.variable}={where}{listener.path})" if listener.variable else ""
                self._say(
                    f"  {listener.name:<10}  {where}  ->  {listener.target.url if listener.target else ''}{given}"
                )

    def metrics(self, host: str, port: int) -> None:
        """Where the numbers are."""
        self._say(f"  metrics     http://{authority(host, port)}/metrics")

    def ready(self, settings: Settings) -> None:
        """Where it goes, and how to stop."""
        roles = {listener.role for listener in settings.listeners}
        if not settings.command and Role.OUTBOUND in roles:
            self._say(f"Clients of the outbound proxy must trust {self._ca}, or their HTTPS calls fail.")
        if not settings.command and Role.DEPENDENCY in roles:
            self._say("Start the service with the variables above: its calls to these dependencies go there then.")
        self._say(f"Recording into {settings.capture}. Stop with Ctrl-C.")
        self._line.begin()

    def counters(self, event: Event) -> None:
        """How it stands: kept up to date on a terminal, a line a minute elsewhere, and at once when a loss begins."""
        self._line(event)

    def warning(self, what: str, where: str) -> None:
        """Once per host."""
        sentence, hint = ADVICE.get(what, (f"{what}: {where}", ""))
        self._say("warning: " + sentence.format(where=where, ca=self._ca))
        if hint:
            self._say("hint: " + hint.format(where=where, ca=self._ca))

    def trouble(self, why: str, waiting: int) -> None:
        """When it begins, and when it has ended."""
        if why:
            self._say(f"warning: nothing can be written now: {why}. The traffic goes on; what is seen waits in memory.")
        else:
            self._say("Everything that waited in memory is written: recording goes on.")

    def next_file(self, path: str) -> None:
        """Its name."""
        self._say(f"Recording goes on in {path}.")

    def stopping(self, why: str) -> None:
        """Why."""
        self._say(f"Stopping: {why}.")

    def writing(self, left: int) -> None:
        """How much, and what ends it."""
        self._say(f"Writing what is left: {counted(left, 'exchange')}. Ctrl-C gives up what is not written yet.")

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """The summary."""
        totals = totals_of(settings, outcome)
        names = totals["dependencies"]
        self._say(
            f"{counted(totals['inbound'], 'exchange')} recorded"
            f", {counted(totals['outbound'], 'outbound call')} to {counted(len(names), 'dependency', 'dependencies')}"
            + (f" ({', '.join(names[:6])})" if names else "")
            + "."
        )
        if totals["failed"]:
            every = totals["inbound"] + totals["outbound"]
            self._say(f"{totals['failed']} of these {every} failed." if every > 1 else "It failed.")
        if totals["outbound"]:
            self._say(f"Outbound calls linked to requests: {_links(totals['links'])}.")
        if totals["redacted"]:
            self._say(f"{counted(totals['redacted'], 'place')} redacted before the write.")
        if totals["unscannable"]:
            self._say(
                f"{counted(totals['unscannable'], 'exchange')} with a body that could not be searched for secrets and "
                "so is not kept."
            )
        if totals["truncated"]:
            self._say(f"{counted(totals['truncated'], 'body', 'bodies')} too large to keep whole.")
        if totals["early"]:
            early = counted(totals["early"], "request")
            self._say(f"{early} answered before all of the body had come: what came until then is kept.")
        for sentence in left_out(outcome.counters):
            self._say(sentence)
        held_back = outcome.counters.get("held_back", 0)
        if held_back:
            waited = counted(held_back, "request")
            self._say(f"{waited} waited until the recording had caught up (--on-overload block).")
        files, gone = paths_of(outcome.counters), outcome.counters.get("removed") or {"files": 0, "exchanges": 0}
        if len(files) > 1:
            self._say(f"In {len(files)} files, {Path(files[0]).name} to {Path(files[-1]).name}.")
        if away := sum(not Path(path).exists() for path in files):
            where = "1 of them is not there any more" if away == 1 else f"{away} of them are not there any more"
            self._say(f"{where}; what {'it holds' if away == 1 else 'they hold'} is not in these numbers.")
        if gone["files"]:
            were = "was" if gone["files"] == 1 else "were"
            went = f"{counted(gone['files'], 'file')} with {counted(gone['exchanges'], 'exchange')}"
            self._say(f"{went} {were} removed (--keep).")
        refused = outcome.counters.get("refused", 0)
        if refused:
            is_in = "was not HTTP the proxy could pass on; it is" if refused == 1 else (
                "were not HTTP the proxy could pass on; they are"
            )  # fmt: skip
            self._say(f"{counted(refused, 'request')} {is_in} not in the capture.")
        for where, number in outcome.counters.get("distrusted", {}).items():
            self._say(
                f"{where}: {counted(number, 'connection')} failed, its certificate is not trusted (--upstream-ca)."
            )
        lost = outcome.counters.get("faults", 0)
        if lost:
            self._say(f"warning: {counted(lost, 'fault')} inside the proxy; some exchanges may be incomplete.")
        dropped = outcome.counters.get("dropped", 0)  # requests did reach a listener; the error says why they are lost
        left = sum(outcome.counters.get(name, 0) for name in LEFT_OUT)
        if left and not totals["inbound"] and not totals["outbound"]:
            self._say("Nothing was recorded: all that passed was left out, as the filters or the sample say.")
        elif not totals["inbound"] and not totals["outbound"] and not dropped:
            self._say("Nothing was recorded: no request reached a listener.")
            self._say("hint: Send the traffic to the inbound address above, not to the service itself.")
        elif totals["inbound"]:
            proxied = any(listener.role is Role.OUTBOUND for listener in settings.listeners)
            if settings.command and proxied and not totals["outbound"]:
                self._say(NO_CALLS)
            command = " ".join(shown_command(settings.command)) if settings.command else "CMD"
            self._say(f"Next: retape replay {files[-1] if files else settings.capture} -- {command}")

    def _say(self, text: str) -> None:
        with suppress(OSError):  # the terminal has gone (SIGHUP): what is recorded must be written down all the same
            self._line.clear()
            self._out.write(text + "\n")
            self._out.flush()


class JsonObserver:
    """One JSON object per line on ``out`` (stdout)."""

    def __init__(self, write: Callable[[str], None], ca: str = "") -> None:
        self._write = write
        self._ca = ca

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """``{"event": "listening", ...}``."""
        target = listener.target.url if listener.target else None
        self._emit(
            event="listening",
            role=listener.role.value,
            name=listener.name,
            host=host,
            port=port,
            target=target,
            variable=listener.variable,
        )

    def metrics(self, host: str, port: int) -> None:
        """``{"event": "listening", "role": "metrics", ...}``."""
        self._emit(event="listening", role="metrics", name="", host=host, port=port, target=None, variable="")

    def ready(self, settings: Settings) -> None:
        """``{"event": "ready", ...}``."""
        self._emit(event="ready", capture=str(settings.capture))

    def counters(self, event: Event) -> None:
        """Not shown: a program that wants to watch reads the capture."""

    def warning(self, what: str, where: str) -> None:
        """``{"event": "warning", ...}``."""
        self._emit(
            event="warning", what=what, where=where, hint=ADVICE.get(what, ("", ""))[1].format(where=where, ca=self._ca)
        )

    def trouble(self, why: str, waiting: int) -> None:
        """``{"event": "trouble", ...}``; ``why`` is empty when it has ended."""
        self._emit(event="trouble", why=why, waiting=waiting)

    def next_file(self, path: str) -> None:
        """``{"event": "next-file", ...}``."""
        self._emit(event="next-file", capture=path)

    def stopping(self, why: str) -> None:
        """``{"event": "stopping", ...}``."""
        self._emit(event="stopping", why=why)

    def writing(self, left: int) -> None:
        """``{"event": "writing", "left": ...}``."""
        self._emit(event="writing", left=left)

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """``{"event": "done", ...}``."""
        totals = totals_of(settings, outcome)
        del totals["truncated"], totals["early"]
        counted = {
            name: outcome.counters.get(name, 0)
            for name in ("seen", "written", "dropped", "truncated", "refused", "held_back", *LEFT_OUT)
        }
        self._emit(
            event="done",
            capture=str(settings.capture),
            **counted,
            **totals,
            distrusted=outcome.counters.get("distrusted", {}),
            error=outcome.counters.get("error", ""),
            dropped_by={why: number for why, number in outcome.counters.get("dropped_by", {}).items() if number},
            files=paths_of(outcome.counters),
            removed=outcome.counters.get("removed", {}),
            command_exit=outcome.command_code,
        )

    def _emit(self, **event: Any) -> None:
        self._write(json.dumps(event))


def totals_of(settings: Settings, outcome: Outcome) -> dict[str, Any]:
    """What this recording's sessions hold, over all its files that are there."""
    files = outcome.counters.get("files") or [(str(settings.capture), None)]
    parts = [_totals(path, session) for path, session in files if Path(path).exists()]
    links: Counter[str] = Counter()
    for part in parts:
        links.update(part["links"])
    return {
        **{
            name: sum(part[name] for part in parts)
            for name in ("inbound", "outbound", "failed", "truncated", "early", "redacted", "unscannable")
        },
        "links": dict(links.most_common()),
        "dependencies": sorted({name for part in parts for name in part["dependencies"]}),
    }


def _totals(path: str, session: int | None) -> dict[str, Any]:
    with Capture.open(path) as capture:
        session = session or capture.sessions()[-1].id
        (row,) = capture.query(
            "SELECT COALESCE(SUM(direction = 'inbound'), 0) AS inbound,"
            " COALESCE(SUM(direction = 'outbound'), 0) AS outbound,"
            " COALESCE(SUM(failure IS NOT NULL), 0) AS failed,"
            " COALESCE(SUM(body_truncated AND json_type(notes, '$.unscannable') IS NULL"
            " AND json_type(notes, '$.early_response') IS NULL), 0) AS truncated,"
            " COALESCE(SUM(json_type(notes, '$.early_response') IS NOT NULL), 0) AS early,"
            " COALESCE(SUM(json_type(notes, '$.unscannable') IS NOT NULL), 0) AS unscannable,"
            " (SELECT COALESCE(SUM(place.value), 0) FROM exchange e, json_each(e.notes, '$.redacted') place"
            " WHERE e.session = ?1) AS redacted"
            " FROM exchange WHERE session = ?1",
            [session],
        )
        links = capture.query(
            "SELECT cause_how AS how, COUNT(*) AS n FROM exchange"
            " WHERE session = ? AND direction = 'outbound' GROUP BY 1 ORDER BY 2 DESC",
            [session],
        )
        names = capture.query(
            "SELECT DISTINCT dependency AS name FROM exchange WHERE session = ? AND direction = 'outbound' ORDER BY 1",
            [session],
        )
        return {
            **row,
            "links": {link["how"]: link["n"] for link in links},
            "dependencies": [name["name"] for name in names if name["name"]],
        }


def left_out(counters: Mapping[str, Any]) -> list[str]:
    """What passed and was not recorded, as asked for."""
    said = []
    for kind, why in (("left_out", "left out, as the filters say"), ("sampled_out", "not in the sample")):
        requests, calls = counters.get(kind, 0), counters.get(f"{kind}_calls", 0)
        if requests or calls:
            what = [counted(requests, "request")] if requests else []
            what += [counted(calls, "outbound call")] if calls else []
            said.append(f"{' and '.join(what)} {why}; the traffic was not affected.")
    return said


LINKED = {
    CauseHow.TRACE_HEADER: "by a trace header",
    CauseHow.WINDOW: "by time",
    CauseHow.VALUE_FLOW: "by a value in both (a guess)",
    CauseHow.CONNECTION: "by its connection (a guess)",
    CauseHow.UNANSWERED: "to the only request not answered yet (a guess)",
    CauseHow.AMBIGUOUS: "to one of several open requests",
    CauseHow.NONE: "to none (no request was open)",
}


def _links(links: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {LINKED[CauseHow(how)]}" for how, number in links.items())
