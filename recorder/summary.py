"""What the user sees of a recording: friendly text on stderr, or JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

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
                self._say(f"  {listener.name:<10}  {where}  ->  {listener.target.url if listener.target else ''}")

    def ready(self, settings: Settings) -> None:
        """Where it goes, and how to stop."""
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
            + (f", {totals['failed']} of all failed" if totals["failed"] else "")
            + "."
        )
        if totals["outbound"]:
            links = ", ".join(f"{number} {how}" for how, number in totals["links"].items())
            self._say(f"Outbound calls linked to what caused them: {links}.")
        if totals["redacted"]:
            self._say(f"{_count(totals['redacted'], 'place')} redacted before the write.")
        if totals["truncated"]:
            self._say(f"{_count(totals['truncated'], 'body', 'bodies')} too large to keep whole.")
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

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def listening(self, listener: Listener, host: str, port: int) -> None:
        """``{"event": "listening", ...}``."""
        target = listener.target.url if listener.target else None
        self._emit(event="listening", role=listener.role.value, name=listener.name, host=host, port=port, target=target)

    def ready(self, settings: Settings) -> None:
        """``{"event": "ready", ...}``."""
        self._emit(event="ready", capture=str(settings.capture))

    def counters(self, event: Event) -> None:
        """Not shown: a program that wants to watch reads the capture."""

    def warning(self, what: str, where: str) -> None:
        """``{"event": "warning", ...}``."""
        self._emit(event="warning", what=what, where=where)

    def stopping(self, why: str) -> None:
        """``{"event": "stopping", ...}``."""
        self._emit(event="stopping", why=why)

    def done(self, settings: Settings, outcome: Outcome) -> None:
        """``{"event": "done", ...}``."""
        totals = totals_of(settings)
        totals.pop("truncated")
        counted = {name: outcome.counters.get(name, 0) for name in ("seen", "written", "dropped", "truncated")}
        self._emit(
            event="done",
            capture=str(settings.capture),
            **counted,
            **totals,
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


def _count(number: int, singular: str, plural: str = "") -> str:
    many = plural or (singular[:-1] + "ies" if singular.endswith("cy") else singular + "s")
    return f"{number} {singular if number == 1 else many}"
