"""``retape replay``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.quantity_options import Time

if TYPE_CHECKING:
    from diffing.model import Result


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("capture", type=click.Path(path_type=Path))
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
@click.option("--target", metavar="URL", help="Where the build listens. Left out: CMD is started on a free port.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="RUN",
    help="The run to write (an older run there is replaced). [default: .retape/runs/TIME.sqlite]",
)  # fmt: skip
@click.option("--only", metavar="EXPR", help="Replay what matches, for example 'method:POST path:/orders/*'.")
@click.option(
    "--tier", type=click.Choice(["full", "smoke"]),
    help="smoke: the fewest exchanges that show every behaviour of the capture, those at most risk first. "
    "[default: full]",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Of the smoke tier only the N exchanges at most risk."
)
@click.option("--shard", metavar="I/N", help="Replay the I-th of N parts; whole client connections stay together.")
@click.option(
    "--report", "reports", multiple=True, metavar="FMT[=PATH]",
    help="terminal, json, junit, html, github, gitlab, markdown: a list, or again. [default: terminal; in a GitHub job "
    "github, too]",
)  # fmt: skip
@click.option(
    "--since", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The JSON report of an earlier run: markdown and github say what changed since.",
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
@click.option("--timeout", type=Time(0.01), metavar="TIME", help="For each exchange. [default: 30]")
@click.option(
    "--ready", metavar="PATH|URL", help="The build is ready when this answers below 500. [default: port accepts]"
)
@click.option("--ready-timeout", type=Time(), metavar="TIME", help="For starting. [default: 60]")
@click.option(
    "--on-miss", type=click.Choice(["nearest", "strict"]),
    help="A call that asks a recorded path otherwise: the nearest answer, or 502. Elsewhere always 502. "
    "[default: nearest]",
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
@click.option(
    "--concurrency", type=click.IntRange(min=1), metavar="N",
    help="How many requests may be under way at once; what depends on another waits for it. [default: 1]",
)  # fmt: skip
@click.option(
    "--order", type=click.Choice(["recorded", "session", "independent"]),
    help="What may overtake what: nothing that began after another's end; other clients; all that no value ties. "
    "[default: recorded]",
)  # fmt: skip
@click.option(
    "--pacing", metavar="none|recorded|recorded*4|50/s",
    help="When requests are sent: as soon as they may, as recorded, faster, or at a rate. [default: none]",
)  # fmt: skip
@click.option(
    "--connections", type=click.Choice(["recorded", "pooled"]),
    help="One connection for each recorded one, or any that is free. [default: recorded]",
)  # fmt: skip
@click.option(
    "--http-version", type=click.Choice(["auto", "1.1", "2"]),
    help="Protocol towards the build: as recorded where it can, or always this one. [default: auto]",
)  # fmt: skip
@click.option(
    "--stub-latency", type=click.FloatRange(min=0), metavar="FACTOR",
    help="Answer stubbed calls after FACTOR times the recorded time. [default: 0, at once]",
)  # fmt: skip
@click.option(
    "--isolate", is_flag=True, default=None,
    help="Run CMD in a network namespace whose only way out is the stub server (Linux; exit 2 where not permitted).",
)  # fmt: skip
@click.option(
    "--clock", type=click.Choice(["real", "recorded"]),
    help="recorded: CMD sees the recorded date, going on from there (needs libfaketime; not for Go programs). "
    "[default: real]",
)  # fmt: skip
@click.option(
    "--baseline-cmd", metavar="'CMD...'",
    help="The recorded build, replayed side by side: tells regressions from a stale capture and from flaky answers.",
)  # fmt: skip
@click.option("--baseline-target", metavar="URL", help="The same, for a recorded build that runs already.")
@click.option("--label", metavar="TEXT", help="What the build is called in reports and in the history.")
@click.option("--no-history", is_flag=True, help="Do not note this run in .retape/history.sqlite.")
@click.option("-q", "--quiet", is_flag=True, help="Show only what goes wrong, and the report.")
def replay(capture: Path, command: tuple[str, ...], **given: Any) -> int:
    """Send a capture's requests to a new build, its dependencies stubbed from the same capture, and report the drift.

    With CMD the build is started, its port in {port} and $PORT, its outbound calls answered by the stub server. The
    result is a run: a capture of what the new build answered and asked.

    \b
    retape replay shop.sqlite -- python app.py --port {port}
    retape replay shop.sqlite --target http://127.0.0.1:8000 --report terminal,html=report.html,junit=junit.xml

    Exit codes: 0 clean, 1 drift, 2 usage, 3 inconclusive, 5 nothing to replay, 130 interrupted.
    """
    import dataclasses
    from datetime import date

    from captures.config import load
    from captures.store import Capture
    from diffing import reports
    from diffing.engine import compare_captures
    from diffing.options import options_from
    from diffing.rulebook.rules import current
    from replayer.beside import baseline_plans, replay_beside
    from replayer.progress import Progress
    from replayer.run import replay as run
    from replayer.settings import output_of, plan_of, settings_of

    config = load(explicit=given["config"], rules=given["rules"])
    settings = settings_of(config, given)
    specs = reports.parse_specs(given["reports"], (capture, given["output"], *config.files, given["since"]))
    around = reports.surroundings(since=given["since"])
    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    options = options_from(config, fail_on=settings["fail_on"], only=given["only"], today=today)
    rules, _ = current(options.rules, today)
    plan = plan_of(capture, command, given, settings, config, options.endpoints, rules)
    progress = Progress(sys.stderr, quiet=given["quiet"])
    baselines: tuple[Path, ...] = ()
    if plan.baseline_command or plan.baseline_target is not None:
        outputs = [beside.output for beside in baseline_plans(plan)]
        reports.refuse_inputs((spec.path for spec in specs), outputs)
        for output in outputs:
            output_of(capture, output)
        together = replay_beside(capture, plan, progress)
        outcome, baselines = together.outcome, together.baselines
    else:
        outcome = run(capture, plan, progress)
    if outcome.interrupted:
        click.echo(
            f"retape: interrupted after {outcome.replayed} of {outcome.total} exchanges; {outcome.run} holds them.",
            err=True,
        )
        click.echo(f"hint: Compare what there is: retape diff {capture} {outcome.run}", err=True)
        return 130
    options = dataclasses.replace(options, unended=outcome.lost)
    if baselines:
        from diffing.baseline.threeway import compare_beside

        result = compare_beside(capture, outcome.run, baselines, options)
    else:
        result = compare_captures(capture, outcome.run, options)
    untold = _noted(result, outcome.run)
    if untold:
        click.echo(f"retape: {untold}", err=True)
    if not given["no_history"]:
        from diffing.history.noting import note

        untold = note(result, capture, outcome.run, three_way=bool(baselines))
        if untold:
            click.echo(f"retape: {untold}", err=True)
    with Capture.open(capture) as recorded, Capture.open(outcome.run) as replayed:
        for spec in specs:
            words = reports.options_given(rules=given["rules"], config=given["config"])
            new = reports.new_folder(spec.path)
            path = reports.write(result, spec, recorded, replayed, given=words, around=around)
            if path is not None:
                click.echo(f"retape: wrote {path}{new}", err=True)
        reports.annotate(result, specs, around)
    return result.exit_code


def _noted(result: Result, run: Path) -> str:
    """Write into ``run`` what the rules file has decided of its drift; what kept it from it, or ""."""
    import time

    from captures.decisions import Decided, note

    return note(
        run,
        [
            Decided(group.fingerprint, group.decision.value, group.approval.author, group.approval.reason)
            for group in result.groups
            if group.decision is not None and group.approval is not None
        ],
        time.time(),
    )
