"""What the user sees of a recording: friendly text on stderr, or JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from captures.model import CauseHow
from captures.store import Capture
from recorder.child import Event
from recorder.listeners import Listener, Role, authority
from recorder.session import Outcome
from recorder.settings import Settings

ADVICE = {
    "untrusted": (
        "{where}: the service refused our certificate, so its calls there fail and are not recorded.",
        "Make it trust {ca}, or give the dependency a listener: --dependency NAME=https://{where}.",
    ),
    "distrusted": (
        "{where}: its certificate is not one we trust, so calls there fail; they are recorded as failed.",
        "Name the roots it is signed by, --upstream-ca FILE (PEM), or accept any: --insecure-upstream.",
    ),
    "refused": (
        "a request to the {where} listener was not HTTP the proxy could pass on; it was answered with 400.",
        "",
    ),
    "opaque": (
        "{where}: a connection is not HTTP; it passes through and is not recorded.",
        "",
    ),
}


class TextObserver:
    """Progress and a summary for people, on ``out`` (stderr)."""

    def __init__(self, ca: str, out: TextIO | None = None) -> None:
        self._ca = ca
        self._out = out if out is not None else sys.stderr
        self._live = self._out.isatty()
        self._line = False

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

    def ready(self, settings: Settings) -> None:
        """Where it goes, and how to stop."""
        roles = {listener.role for listener in settings.listeners}
        if not settings.command and Role.OUTBOUND in roles:
            self._say(f"Clients of the outbound proxy must trust {self._ca}, or their HTTPS calls fail.")
        if not settings.command and Role.DEPENDENCY in roles:
            self._say("Start the service with the variables above: its calls to these dependencies go there then.")
        self._say(f"Recording into {settings.capture}. Stop with Ctrl-C.")

    def counters(self, event: Event) -> None:
        """A line that rewrites itself, on a terminal only."""
        if self._live:
            dropped = f", {event['dropped']} dropped" if event["dropped"] else ""
            self._out.write(f"\r\x1b[K{event['written']} exchanges recorded, {event['open']} open{dropped}")
            self._out.flush()
            self._line = True

    def warning(self, what: str, where: str) -> None:
        """Once per host."""
        sentence, hint = ADVICE.get(what, (f"{what}: {where}", ""))
        self._say("warning: " + sentence.format(where=where, ca=self._ca))
        if hint:
            self._say("hint: " + hint.format(where=where, ca=self._ca))

    def stopping(self, why: str) -> None:
        """Why."""
        self._say(f"Stopping: {why}.")

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """The summary."""
        totals = totals_of(settings)
        self._say(
            f"{_count(totals['inbound'], 'exchange')} recorded"
            f", {_count(totals['outbound'], 'outbound call')} to {_count(len(totals['dependencies']), 'dependency')}"
            + (f" ({', '.join(totals['dependencies'][:6])})" if totals["dependencies"] else "")
            + "."
        )
        if totals["failed"]:
            every = totals["inbound"] + totals["outbound"]
            self._say(f"{totals['failed']} of these {every} failed." if every > 1 else "It failed.")
        if totals["outbound"]:
            self._say(f"Outbound calls linked to requests: {_links(totals['links'])}.")
        if totals["redacted"]:
            self._say(f"{_count(totals['redacted'], 'place')} redacted before the write.")
        if totals["truncated"]:
            self._say(f"{_count(totals['truncated'], 'body', 'bodies')} too large to keep whole.")
        refused = outcome.counters.get("refused", 0)
        if refused:
            is_in = "was not HTTP the proxy could pass on; it is" if refused == 1 else (
                "were not HTTP the proxy could pass on; they are"
            )  # fmt: skip
            self._say(f"{_count(refused, 'request')} {is_in} not in the capture.")
        for where, number in outcome.counters.get("distrusted", {}).items():
            self._say(
                f"{where}: {_count(number, 'connection')} failed, its certificate is not trusted (--upstream-ca)."
            )
        lost = outcome.counters.get("faults", 0)
        if lost:
            self._say(f"warning: {_count(lost, 'fault')} inside the proxy; some exchanges may be incomplete.")
        if not totals["inbound"] and not totals["outbound"]:
            self._say("Nothing was recorded: no request reached a listener.")
            self._say("hint: Send the traffic to the inbound address above, not to the service itself.")
        elif totals["inbound"]:
            command = " ".join(settings.command) if settings.command else "CMD"
            self._say(f"Next: retape replay {settings.capture} -- {command}")

    def _say(self, text: str) -> None:
        if self._line:
            self._out.write("\r\x1b[K")
            self._line = False
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

    def stopping(self, why: str) -> None:
        """``{"event": "stopping", ...}``."""
        self._emit(event="stopping", why=why)

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """``{"event": "done", ...}``."""
        totals = totals_of(settings)
        totals.pop("truncated")
        counted = {
            name: outcome.counters.get(name, 0) for name in ("seen", "written", "dropped", "truncated", "refused")
        }
        self._emit(
            event="done",
            capture=str(settings.capture),
            **counted,
            **totals,
            distrusted=outcome.counters.get("distrusted", {}),
            error=outcome.counters.get("error", ""),
            command_exit=outcome.command_code,
        )

    def _emit(self, **event: Any) -> None:
        self._write(json.dumps(event))


def totals_of(settings: Settings) -> dict[str, Any]:
    """What the last session of the capture holds."""
    with Capture.open(settings.capture) as capture:
        session = capture.sessions()[-1].id
        (row,) = capture.query(
            "SELECT COALESCE(SUM(direction = 'inbound'), 0) AS inbound,"
            " COALESCE(SUM(direction = 'outbound'), 0) AS outbound,"
            " COALESCE(SUM(failure IS NOT NULL), 0) AS failed,"
            " COALESCE(SUM(body_truncated), 0) AS truncated,"
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


LINKED = {
    CauseHow.TRACE_HEADER: "by a trace header",
    CauseHow.WINDOW: "by time",
    CauseHow.AMBIGUOUS: "to one of several open requests",
    CauseHow.NONE: "to none (no request was open)",
}


def _links(links: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {LINKED[CauseHow(how)]}" for how, number in links.items())


def loss_hint(reason: str) -> str:
    """What to do about exchanges that were dropped because of ``reason`` (the writer's word)."""
    words = reason.lower()
    if "queue is full" in words:
        return "The disk did not keep up: write to a faster one with -o, or record less traffic at a time."
    if "redacted" in words:
        return "Check the [redact] section of retape.toml; what cannot be redacted is not written."
    if any(word in words for word in ("full", "disk", "space", "quota", "too big", "too large")):
        return "Make room on the disk and record again; the traffic itself was not affected."
    return "Check that the capture's folder is there and can be written, and record again."


def _count(number: int, singular: str, plural: str = "") -> str:
    many = plural or (singular[:-1] + "ies" if singular.endswith("cy") else singular + "s")
    return f"{number} {singular if number == 1 else many}"
