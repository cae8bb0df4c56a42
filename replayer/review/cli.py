"""``retape review``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--recorded", type=click.Path(path_type=Path), metavar="FILE",
    help="The recording that RUN is compared with.  [default: the one the run names]",
)  # fmt: skip
@click.option(
    "--baseline", "baselines", multiple=True, type=click.Path(path_type=Path), metavar="RUN",
    help="As of retape diff: a run of the recorded build beside it.",
)  # fmt: skip
@click.option(
    "--rules", "rules_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The file that decisions are written to.  [default: retape.rules.toml beside the configuration]",
)  # fmt: skip
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help="The configuration.  [default: retape.toml of the project]",
)  # fmt: skip
@click.option(
    "--pins", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", default=Path("tests/pins"),
    show_default="tests/pins", help="The folder that pins go to.",
)  # fmt: skip
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="a free one",
    help="The port to serve the page on.",
)  # fmt: skip
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True,
    help="The address to serve it on. Others than loopback let the network see the page, without encryption.",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def review(
    run: Path,
    recorded: Path | None,
    baselines: tuple[Path, ...],
    rules_file: Path | None,
    config: Path | None,
    pins: Path,
    port: int,
    host: str,
    no_browser: bool,
) -> int:
    """Decide on the drift of a run in the browser: accept, ignore, reject, pin, with undo.

    Serves the HTML report on this machine. Decisions go to retape.rules.toml, pins to the pins' folder, as text that
    is reviewed like code; nothing else is written. Prints the address, which holds a token; Ctrl-C ends it and says
    what was changed.

    \b
    retape review run.sqlite
    retape review run.sqlite --no-browser --port 8000
    retape review nightly.sqlite --recorded shop.sqlite --pins tests/pins

    Exit codes: 0 ended, 2 usage (or CI is set: nothing is decided there).
    """
    import shlex

    from captures.errors import UsageError
    from captures.unattended import in_ci
    from replayer.review.serving import serve
    from replayer.review.sitting import Paths

    if in_ci():
        here = shlex.quote(str(run))
        raise UsageError(
            "CI is set: nothing is reviewed there, as decisions are for people and go into the repository.",
            hint=f"On your machine: retape review {here}\n"
            f"Without a browser: retape accept {here} GROUP --reason '…', or retape ignore, retape reject\n"
            f"Only the page: retape diff RECORDED {here} --report html=drift.html",
        )
    return serve(Paths(run, recorded, rules_file, config, pins, baselines), host, port, browser=not no_browser)
