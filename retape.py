"""The front door: gathers the commands, and is the one place that turns errors into exit codes.

0 clean · 1 unapproved drift · 2 usage or configuration · 3 inconclusive · 4 internal error ·
5 nothing to replay · 130 interrupted (``retape doctor``: 0 fine, 1 a problem was found)
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from captures.config import Config
    from captures.doctor.cli import Asked
    from captures.doctor.findings import Check

INTERRUPTED = 130
INTERNAL = 4

try:
    import traceback
    from importlib.metadata import PackageNotFoundError, version

    import click

    from captures.cli import capture
    from captures.doctor.cli import doctor_with
    from captures.errors import EmptyCapture, RetapeError, TargetError
    from captures.settings.commands import config_with
    from captures.setup.cli import init
    from captures.visible import inert, visible
    from diffing.cli import diff, rules
    from diffing.report_cli import report
    from diffing.review.cli import accept, ignore, reject, undecide
    from recorder.archive_cli import export, import_
    from recorder.cli import record
    from replayer.cli import replay
    from replayer.demo.cli import demo
    from replayer.distill_cli import distill
    from replayer.learn_cli import learn
    from replayer.pin_cli import pin
    from replayer.prune_cli import prune
    from replayer.review.cli import review
    from replayer.stub_cli import stub
except KeyboardInterrupt:  # Ctrl-C in the tenth of a second that this takes ends without a traceback, too
    sys.stderr.write("retape: interrupted.\n")
    sys.exit(INTERRUPTED)


def exit_code_of(error: BaseException) -> int:
    """The exit code an error ends the process with."""
    if isinstance(error, EmptyCapture):
        return 5
    if isinstance(error, TargetError):
        return 3
    if isinstance(error, RetapeError):
        return 2
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    return INTERNAL


def _version() -> str:
    try:
        return version("retape")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="retape")
def cli() -> None:
    """Record real traffic, replay it against a new build, and see every drift that is not mere volatility.

    \b
    retape demo
    retape record --inbound 8080 -o shop.sqlite -- python app.py --port {port}
    retape replay shop.sqlite -- python app.py --port {port}
    retape diff shop.sqlite run.sqlite --report html=report.html
    retape review run.sqlite
    retape learn shop.sqlite --runs 5 -- python app.py --port {port}
    retape doctor
    retape pin run.sqlite --only 'endpoint:"GET /orders/{id}"' -o tests/pins
    """


for command in (prune, distill, import_, export):
    capture.add_command(command)


def _more(asked: Asked, config: Config) -> tuple[Path | None, Iterable[Check]]:
    """What only the recorder and the replayer can check, for ``retape doctor``."""
    from recorder.checks import checks as of_recording
    from replayer.checks import checks as of_replaying

    capture, found = of_recording(asked, config)
    return capture, [*found, *of_replaying(asked.state)]


def _readers() -> list[Callable[[Config], None]]:
    """Who tries what only one command reads of the configuration, for ``retape config check``."""
    from diffing.options import examine as of_comparing
    from recorder.settings import examine as of_recording
    from replayer.settings import examine as of_replaying

    return [of_comparing, of_recording, of_replaying]


doctor = doctor_with(_more)
config = config_with(_readers)
reviewing = (accept, ignore, reject, undecide, review)
for command in (record, replay, diff, learn, rules, *reviewing, pin, report, capture, stub, config, doctor, demo, init):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit the process."""
    code = run(arguments)
    if code == INTERRUPTED:  # one Ctrl-C more, while Python shuts down, would end the process by the signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code. Expected errors print one sentence (and a hint), never a traceback."""
    try:
        result = cli.main(args=arguments, standalone_mode=False, prog_name="retape")
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RetapeError as error:
        brief = error.brief if isinstance(error, TargetError) else ""
        click.echo(inert(visible(f"retape: {brief or error.message}", lines=True)), err=True)
        if error.hint:
            click.echo(visible(f"hint: {error.hint}", lines=True), err=True)
        return exit_code_of(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("retape: interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our stdout (head, less) went away: not an error of ours. Keep Python from complaining at exit.
        sys.stdout = None
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: say it is our fault, and give what a report needs
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps one that comes inside a class statement
            click.echo("retape: interrupted.", err=True)
            return INTERRUPTED
        traceback.print_exc(file=sys.stderr)
        click.echo(
            f"retape: internal error ({type(error).__name__}); this is a bug in Retape, not in your build.", err=True
        )
        return INTERNAL
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
