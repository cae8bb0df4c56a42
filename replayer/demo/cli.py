"""``retape demo``: the guided tour."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "-o", "--output", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("retape-demo"),
    show_default=True, metavar="FOLDER", help="Where captures, the report and the shop are left.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Do not open the report. (In CI and without a terminal it never is.)")
def demo(folder: Path, no_browser: bool) -> int:
    """Show in half a minute what Retape does: record a small shop, replay it against two builds, report what drifted.

    Everything happens on this machine, without a network or a container. Each step is a command that can be run again;
    what they leave stays in FOLDER, with the shop's source to change. Recording needs retape[record]. Exit code 0: all
    went as it should (drift of the second build included), 2: something is not installed, or FOLDER is not a demo's,
    3: a step failed.

    \b
    retape demo
    retape demo -o /tmp/shop --no-browser
    """
    import importlib.util
    import sys
    import webbrowser

    from captures.errors import UsageError
    from captures.unattended import in_ci
    from replayer.demo.tour import Tour, ideas

    if importlib.util.find_spec("mitmproxy") is None:
        raise UsageError("The demo records, and the recorder is not installed.", hint="pip install 'retape[record]'")
    outcome = Tour(folder.absolute(), click.echo).run()
    click.echo(f"\nThe report, {outcome.groups} groups of drift: {outcome.report}\n\nTo try next:")
    front = click.get_current_context().find_root().command
    known = tuple(front.commands) if isinstance(front, click.Group) else ()
    for line, why in ideas(folder.absolute(), known):
        click.echo(f"   $ {line:<76} # {why}")
    if sys.stdout.isatty() and not in_ci() and not no_browser:
        webbrowser.open(outcome.report.as_uri())
    return 0
