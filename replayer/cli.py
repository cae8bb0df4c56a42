"""``retape replay`` and ``retape stub``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.cli import FORMAT

if TYPE_CHECKING:
    from captures.config import Config
    from replayer.plan import ReplayPlan


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("capture", type=click.Path(path_type=Path))
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
@click.option("--target", metavar="URL", help="Where the build listens. Left out: CMD is started on a free port.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="RUN",
    help="The run to write (an older run there is replaced). [default: .retape/runs/TIME.sqlite]",
)  # fmt: skip
@click.option("--only", metavar="EXPR", help="Replay what matches, for example 'method:POST path:/orders/*'.")
@click.option("--shard", metavar="I/N", help="Replay the I-th of N parts; whole client connections stay together.")
@click.option(
    "--report", "reports", multiple=True, metavar="FMT[=PATH]",
    help="terminal, json, junit or html, to PATH or stdout. Repeatable. [default: terminal]",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["error", "warning", "info"]), help="Exit 1 from this level. [default: warning]"
)
@click.option(
    "--rules", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Further rules, beside retape.rules.toml.",
)  # fmt: skip
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Instead of the nearest retape.toml.",
)
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
    help="Send this header in place of the recorded one of its name. Repeatable.",
)  # fmt: skip
@click.option(
    "--host", type=click.Choice(["recorded", "target"]), help="Which Host header to send. [default: recorded]"
)
@click.option("--timeout", type=click.FloatRange(min=0.01), metavar="SECONDS", help="For each exchange. [default: 30]")
@click.option(
    "--ready", metavar="PATH|URL", help="The build is ready when this answers below 500. [default: port accepts]"
)
@click.option("--ready-timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="For starting. [default: 60]")
@click.option(
    "--on-miss", type=click.Choice(["nearest", "strict"]),
    help="A call that differs from all recorded ones gets the nearest answer, or 502. [default: nearest]",
)  # fmt: skip
@click.option(
    "--exhausted", type=click.Choice(["last", "miss"]),
    help="A call made more often than recorded gets the last answer again, or 502. [default: last]",
)  # fmt: skip
@click.option(
    "--target-ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM roots for an https target."
)
@click.option(
    "--stub-listen",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Fixed port of the stub proxy, also without CMD.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show only what goes wrong, and the report.")
def replay(capture: Path, command: tuple[str, ...], **given: Any) -> int:
    """Send a capture's requests to a new build, its dependencies stubbed from the same capture, and report the drift.

    With CMD the build is started, its port in {port} and $PORT, its outbound calls answered by the stub server. The
    result is a run: a capture of what the new build answered and asked.

    \b
    retape replay shop.sqlite -- python app.py --port {port}
    retape replay shop.sqlite --target http://127.0.0.1:8000 --report html=report.html

    Exit codes: 0 clean, 1 drift, 2 usage, 3 inconclusive, 5 nothing to replay, 130 interrupted.
    """
    from datetime import date

    from captures.config import load
    from captures.store import Capture
    from diffing import reports
    from diffing.engine import compare_captures
    from diffing.options import options_from
    from replayer.progress import Progress
    from replayer.run import replay as run

    config = load(explicit=given["config"], rules=given["rules"])
    settings = _settings(config, given)
    specs = reports.parse_specs(given["reports"])
    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    options = options_from(config, fail_on=settings["fail_on"], only=given["only"], today=today)
    plan = _plan(capture, command, given, settings, config, options.endpoints)
    outcome = run(capture, plan, Progress(sys.stderr, quiet=given["quiet"]))
    if outcome.interrupted:
        click.echo(
            f"retape: interrupted after {outcome.replayed} of {outcome.total} exchanges; {outcome.run} holds them.",
            err=True,
        )
        click.echo(f"hint: Compare what there is: retape diff {capture} {outcome.run}", err=True)
        return 130
    result = compare_captures(capture, outcome.run, options)
    with Capture.open(capture) as recorded, Capture.open(outcome.run) as replayed:
        for spec in specs:
            path = reports.write(result, spec, recorded, replayed)
            if path is not None:
                click.echo(f"retape: wrote {path}", err=True)
    return result.exit_code


@click.command()
@click.argument("capture", type=click.Path(path_type=Path))
@click.option(
    "--listen",
    "port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port of the proxy. [default: a free one]",
)
@click.option(
    "--on-miss",
    type=click.Choice(["nearest", "strict"]),
    default="nearest",
    show_default=True,
    help="A call that differs from all recorded ones gets the nearest answer, or 502.",
)
@click.option(
    "--exhausted",
    type=click.Choice(["last", "miss"]),
    default="last",
    show_default=True,
    help="A call made more often than recorded gets the last answer again, or 502.",
)
@FORMAT
def stub(capture: Path, port: int, on_miss: str, exhausted: str, form: str) -> int:
    """Serve a capture's dependencies alone, for local development, until Ctrl-C.

    Prints the variables a service needs to use them, as lines a shell can read.

    \b
    retape stub shop.sqlite --listen 8081
    """
    import json
    import shlex

    from replayer.plan import Exhausted, OnMiss
    from replayer.progress import Progress
    from replayer.serve import Serving, serve

    def ready(serving: Serving) -> None:
        if form == "json":
            line = {"event": "listening", "proxy": serving.proxy, "ca": str(serving.ca), "env": dict(serving.variables)}
            click.echo(json.dumps(line))
            return
        for name, value in serving.variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        click.echo(f"retape: serving {capture} at {serving.proxy}; Ctrl-C ends it", err=True)

    served = serve(
        capture,
        port,
        on_ready=ready,
        on_event=Progress(sys.stderr),
        on_miss=OnMiss(on_miss),
        exhausted=Exhausted(exhausted),
    )
    if form == "json":
        click.echo(
            json.dumps({"event": "done", "served": served.served, "missed": served.missed, "unused": served.unused})
        )
    else:
        click.echo(
            f"retape: {served.served} calls served, {served.missed} missed, {served.unused} recorded calls unused",
            err=True,
        )
    return 0


def _settings(config: Config, given: dict[str, Any]) -> dict[str, Any]:
    """The section [replay] under the command line's options, with the defaults."""
    from captures.errors import ConfigError

    section = config.section("replay")
    defaults = {
        "target": None, "timeout": 30.0, "ready": None, "ready_timeout": 60.0, "host": "recorded",
        "on_miss": "nearest", "exhausted": "last", "fail_on": "warning",
    }  # fmt: skip
    choices = {
        "host": ("recorded", "target"),
        "on_miss": ("nearest", "strict"),
        "exhausted": ("last", "miss"),
        "fail_on": ("error", "warning", "info"),
    }
    settings: dict[str, Any] = {}
    for key, default in defaults.items():
        value = given[key] if given[key] is not None else section.get(key, default)
        if key in choices and value not in choices[key]:
            raise ConfigError(f'[replay]: {key} = "{value}" is none of {", ".join(choices[key])}.')
        if key in ("timeout", "ready_timeout"):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or value < 0 or (key == "timeout" and value == 0):
                raise ConfigError(f"[replay]: {key} must be a number of seconds.")
        if key in ("target", "ready") and not isinstance(value, str | None):
            raise ConfigError(f"[replay]: {key} must be a string.")
        settings[key] = value
    headers = section.get("headers", [])
    if not isinstance(headers, list) or not all(isinstance(line, str) for line in headers):
        raise ConfigError("[replay]: headers must be a list of strings.", hint='Like: headers = ["X-Env: test"]')
    settings["headers"] = [*headers, *given["headers"]]
    return settings


def _plan(
    capture: Path,
    command: tuple[str, ...],
    given: dict[str, Any],
    settings: dict[str, Any],
    config: Config,
    endpoints: tuple[str, ...],
) -> ReplayPlan:
    from captures.selection import parse
    from replayer.client import Target
    from replayer.plan import Exhausted, OnMiss, ReplayPlan, Shard

    redaction = config.section("redact")
    key = redaction.get("key")
    target = given["target"] or (None if command else settings["target"])
    return ReplayPlan(
        output=_output(capture, given["output"]),
        command=command,
        target=Target.parse(target) if target else None,
        only=parse(given["only"]) if given["only"] else None,
        endpoints=endpoints,
        headers=tuple(_header(line) for line in settings["headers"]),
        host=settings["host"],
        timeout=float(settings["timeout"]),
        ready=settings["ready"],
        ready_timeout=float(settings["ready_timeout"]),
        target_ca=given["target_ca"],
        on_miss=OnMiss(settings["on_miss"]),
        exhausted=Exhausted(settings["exhausted"]),
        stub_listen=given["stub_listen"],
        shard=Shard.parse(given["shard"]) if given["shard"] else None,
        redaction_key=key if isinstance(key, str) else None,
        redaction=redaction,
    )


def _header(line: str) -> tuple[bytes, bytes]:
    """``Name: value`` as a pair; the value is not shown when it is wrong, it may be a secret."""
    from captures.errors import UsageError

    name, colon, value = line.partition(":")
    if not colon or not name.strip() or "\n" in line or "\r" in line:
        raise UsageError("--header wants 'Name: value' on one line.", hint="Like: --header 'Authorization: Bearer …'")
    return name.strip().encode("latin-1", "replace"), value.strip().encode("utf-8")


def _output(capture: Path, given: Path | None) -> Path:
    """Where the run goes; an older run there is removed, any other file is refused."""
    from datetime import UTC, datetime

    from captures.errors import UsageError
    from captures.state import run_path
    from captures.store import Capture

    if given is None:
        return run_path(f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    if not given.exists():
        return given
    if capture.exists() and given.samefile(capture):
        raise UsageError(f"-o {given} is the capture itself.", hint="Write the run to another file.")
    with Capture.open(given) as old:
        if any(session.mode != "replay" for session in old.sessions()):
            raise UsageError(f"-o {given} is a recording and will not be replaced.", hint="Write the run elsewhere.")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{given}{suffix}").unlink(missing_ok=True)
    return given
