"""``retape learn``."""

from __future__ import annotations

import json
import re
import shlex
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.commands.options import FORMAT
from captures.quantity_options import Time
from captures.visible import in_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from captures.config import Config
    from diffing.learning.lessons import Lessons
    from replayer.learn import Rehearsal
    from replayer.plan import ReplayPlan

INTERRUPTED = 130
NOT_JUDGED = 3
CONFIDENCE = 0.95
MIN_SAMPLES = 5
_FILE = click.Path(dir_okay=False, path_type=Path)
_DEMANDED = (
    ("--confidence", "confidence", CONFIDENCE), ("--min-samples", "min_samples", MIN_SAMPLES),
    ("--expires", "expires", None), ("--rules", "rules", None), ("--config", "config", None),
)  # fmt: skip
"""Options that decide which rules are proposed, with what they are by themselves."""


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("capture", type=click.Path(path_type=Path))
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
@click.option("--target", metavar="URL", help="Where the recorded build listens; it is not restarted between the runs.")
@click.option(
    "--run", "given_runs", multiple=True, type=_FILE, metavar="RUN",
    help="A run that the recorded build already made of CAPTURE. Repeatable.",
)  # fmt: skip
@click.option(
    "--runs", "times", type=click.IntRange(1, 1000), default=3, show_default=True, help="How often to replay."
)
@click.option(
    "--confidence", type=click.FloatRange(0.5, 0.9999), default=CONFIDENCE, show_default=True,
    help="How sure it must be that a place moves by itself (exact binomial test).",
)  # fmt: skip
@click.option(
    "--min-samples", type=click.IntRange(2), default=MIN_SAMPLES, show_default=True,
    help="Comparisons in which a place must have been seen before a rule is proposed for it.",
)  # fmt: skip
@click.option(
    "--write", is_flag=False, flag_value="", metavar="[FILE]",
    help="Append the proposals to FILE. [default: the project's retape.rules.toml]",
)  # fmt: skip
@click.option("--expires", metavar="DAYSd|DATE", help="Let the rules end: 90d, or 2027-01-31. [default: never]")
@click.option("--only", metavar="EXPR", help="Replay what matches, for example 'method:GET path:/orders/*'.")
@click.option("--shard", metavar="I/N", help="Replay the I-th of N parts; whole client connections stay together.")
@click.option("--rules", type=_FILE, metavar="FILE", help="Further rules, beside retape.rules.toml.")
@click.option("--config", type=_FILE, metavar="FILE", help="Instead of the nearest retape.toml.")
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'",
    help="Send this header in place of the recorded one of its name. Repeatable.",
)  # fmt: skip
@click.option("--host", type=click.Choice(["recorded", "target"]), help="Which Host header to send.")
@click.option("--timeout", type=Time(0.01), metavar="TIME", help="For each exchange. [default: 30]")
@click.option("--ready", metavar="PATH|URL", help="The build is ready when this answers below 500.")
@click.option("--ready-timeout", type=Time(), metavar="TIME", help="For starting. [default: 60]")
@click.option("--on-miss", type=click.Choice(["nearest", "strict"]), help="As in retape replay.")
@click.option("--exhausted", type=click.Choice(["last", "miss"]), help="As in retape replay.")
@click.option("--target-ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM roots for https.")
@click.option("--stub-listen", type=click.IntRange(0, 65535), metavar="PORT", help="Fixed port of the stub proxy.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@FORMAT
def learn(capture: Path, command: tuple[str, ...], form: str, **given: Any) -> int:
    """Replay the recorded build against its own capture and propose rules for what moves by itself.

    The service is started anew for each run, and the runs are kept. A place gets the narrowest rule that all its
    values satisfy, with the evidence, and only when the runs differ among themselves; what differs from the recording
    alike in all runs is said, not ruled away. Nothing is written without --write: review it like code.

    \b
    retape learn shop.sqlite --runs 5 -- python app.py --port {port}
    retape learn shop.sqlite --runs 10 --write --expires 90d -- ./old-build --port {port}
    retape learn shop.sqlite --run monday.sqlite --run tuesday.sqlite --format json
    retape learn shop.sqlite                    from the recording's own repeated requests

    Exit codes: 0 learnt, 2 usage, 3 nothing could be judged, 5 nothing to replay, 130 interrupted.
    """
    from captures.config import load
    from captures.errors import UsageError
    from captures.unattended import refuse_in_ci
    from diffing.learning.lessons import Demands
    from diffing.options import options_from
    from replayer.learn import Rehearsal
    from replayer.learn import learn as learnt
    from replayer.settings import plan_of, settings_of

    if given["write"] == "":
        refuse_in_ci("retape learn writes no rules", f"retape learn {capture} … --write")
    today = date.today()  # noqa: DTZ011 - a rule expires by the user's own calendar
    expires = _expiry(given["expires"], today)
    config = load(explicit=given["config"], rules=given["rules"])
    options = options_from(config, only=None, today=today)
    rehearsal = Rehearsal(())
    if command or given["target"]:
        settings = settings_of(config, {**given, "fail_on": None})
        plan = plan_of(capture, command, {**given, "output": None}, settings, config, options.endpoints)
        rehearsal = _rehearse(capture, plan, given["times"], quiet=given["quiet"])
    elif given["only"] or given["shard"]:
        raise UsageError("--only and --shard choose what is replayed, and nothing is.", hint="Add -- CMD or --target.")
    runs = (*given["given_runs"], *rehearsal.runs)
    demands = Demands(given["confidence"], given["min_samples"])
    if rehearsal.interrupted:
        _say_interrupted(rehearsal)
    if not runs and (rehearsal.interrupted or rehearsal.outcomes):
        _say("no exchange was answered in any run: nothing could be judged")
        return INTERRUPTED if rehearsal.interrupted else NOT_JUDGED
    if runs and not given["quiet"]:
        _say(f"comparing {len(runs)} run{'' if len(runs) == 1 else 's'} with the capture and with one another")
    try:
        lessons = learnt(capture, runs, options, demands)
    except KeyboardInterrupt:
        _say("interrupted while comparing" + (f"; the runs are kept: {_again(capture, runs, given)}" if runs else ""))
        return INTERRUPTED
    _show(lessons, form, today, expires, interrupted=rehearsal.interrupted)
    if rehearsal.interrupted:
        return INTERRUPTED
    if not lessons.samples:
        _say(_nothing(lessons, runs))
        return NOT_JUDGED
    if given["write"] is not None:
        _write(lessons, given["write"], config, given["config"], today, expires)
    elif lessons.proposals:
        _say(f"nothing was written; to keep the proposals: {_again(capture, runs, given)} --write")
    return 0


def _rehearse(capture: Path, plan: ReplayPlan, times: int, *, quiet: bool) -> Rehearsal:
    from datetime import UTC, datetime

    from captures.state import run_path
    from replayer.learn import rehearse
    from replayer.progress import Progress

    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    if not plan.command and times > 1 and not quiet:
        _say("the target is not restarted between the runs: what it remembers of one shows in the next")

    def started(number: int) -> None:
        if not quiet:
            _say(f"run {number} of {times}")

    progress = Progress(sys.stderr, quiet=quiet)
    return rehearse(capture, plan, times, lambda number: run_path(f"learn-{stamp}-{number}"), started, progress)


def _show(lessons: Lessons, form: str, today: date, expires: date | None, *, interrupted: bool) -> None:
    from replayer.learn_report import as_json, as_toml, drift_sentence

    if form == "json":
        value = as_json(lessons, created=today, expires=expires, interrupted=interrupted)
        click.echo(in_json(json.dumps(value, indent=2, ensure_ascii=False, default=str)))
    else:
        click.echo(as_toml(lessons, created=today, expires=expires), nl=False)
    drift = drift_sentence(lessons)
    if drift:
        _say(drift)


def _write(
    lessons: Lessons, given: str, config: Config, explicit: Path | None, today: date, expires: date | None
) -> None:
    from captures.settings.finding import RULES_FILE
    from captures.state import project_root
    from diffing.rulebook.rulesfile import add_rules
    from replayer.learn_report import drafts

    beside = (explicit.parent if explicit is not None else project_root()) / RULES_FILE
    path = Path(given) if given else beside
    if not lessons.proposals:
        _say(f"there is no rule to write; {path} is as it was")
        return
    ids = add_rules(path, drafts(lessons, created=today, expires=expires))
    _say(f"{len(ids)} rule{'' if len(ids) == 1 else 's'} in {path}: {', '.join(ids)}")
    _say("review them before you commit: each says what may differ from now on")
    if path.resolve() not in {beside.resolve(), *(file.resolve() for file in config.files)}:
        _say(f"{path} is only read when it is named: retape replay --rules {path}")


def _expiry(text: str | None, today: date) -> date | None:
    from captures.errors import UsageError

    if text is None:
        return None
    days = re.fullmatch(r"(\d{1,5})d", text)
    try:
        day = today + timedelta(days=int(days[1])) if days else date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--expires {text} is no day.", hint="Write --expires 90d or --expires 2027-01-31.") from error
    if day <= today:
        raise UsageError(f"--expires {text} is over already.", hint="Name a day to come.")
    return day


def _say_interrupted(rehearsal: Rehearsal) -> None:
    last = rehearsal.outcomes[-1] if rehearsal.outcomes else None
    if last is not None and last.interrupted:
        where = f"in run {len(rehearsal.outcomes)}, after {last.replayed} of {last.total} exchanges"
    else:
        where = f"after {len(rehearsal.outcomes)} run{'' if len(rehearsal.outcomes) == 1 else 's'}"
    _say(f"interrupted {where}; what was learnt so far follows, and nothing is written")


def _nothing(lessons: Lessons, runs: tuple[Path, ...]) -> str:
    if runs:
        return "nothing could be judged: " + ("; ".join(lessons.unjudged) or "no request was answered twice")
    return (
        "nothing could be judged: the capture has no safe request that was asked twice with nothing written in "
        "between; replay the recorded build: retape learn CAPTURE -- CMD"
    )


def _again(capture: Path, runs: tuple[Path, ...], given: Mapping[str, Any]) -> str:
    """The command that learns the same from the same runs: what was asked for decides what is proposed."""
    words = ["retape", "learn", str(capture), *(word for run in runs for word in ("--run", str(run)))]
    for option, name, usual in _DEMANDED:
        if given[name] != usual:
            words += [option, str(given[name])]
    return shlex.join(words)


def _say(sentence: str) -> None:
    click.echo(f"retape: {sentence}", err=True)
