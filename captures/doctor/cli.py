"""``retape doctor``. What recorder and replayer check is handed in: this room may not know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from captures.commands.options import FORMAT
from captures.quantity_options import Time

if TYPE_CHECKING:
    from captures.config import Config
    from captures.doctor.findings import Check, Finding

PROBLEM = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says, as ``retape record`` would be told it."""

    inbound: tuple[str, ...]
    outbound: str | None
    dependencies: tuple[str, ...]
    metrics: str | None
    capture: Path | None
    state: Path


More = Callable[[Asked, "Config"], "tuple[Path | None, Iterable[Check]]"]
"""Further checks, and the capture that is written to; raises ``RetapeError`` for what cannot be."""


def doctor_with(more: More) -> click.Command:
    """The command, with the checks of the other rooms."""

    @click.command()
    @click.option("--inbound", multiple=True, metavar="LISTEN[=TARGET]", help="As of retape record: is the port free?")
    @click.option("--outbound", metavar="LISTEN", help="As of retape record: is the port free?")
    @click.option("--dependency", "dependencies", multiple=True, metavar="NAME=URL[@ENV]", help="As of retape record.")
    @click.option("--metrics", metavar="LISTEN", help="As of retape record: is the port free?")
    @click.option(
        "-o", "--output", "capture", type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
        help="The capture that will be written: room, permission, file system.",
    )  # fmt: skip
    @click.option("--config", type=click.Path(path_type=Path), help="Instead of the nearest retape.toml.")
    @click.option(
        "--timeout", type=Time(1), default="8s", show_default=True, metavar="TIME",
        help="How long a client may take.",
    )  # fmt: skip
    @FORMAT
    def doctor(
        inbound: tuple[str, ...],
        outbound: str | None,
        dependencies: tuple[str, ...],
        metrics: str | None,
        capture: Path | None,
        config: Path | None,
        timeout: float,
        form: str,
    ) -> int:
        """Check whether this machine can record and replay, and say one command for each problem.

        Python, TLS, SQLite, mitmproxy, ports, disk, clock, file modes; and each HTTP client found here is made to ask
        through a proxy with Retape's own CA, in the environment of a service started with -- CMD. Nothing is written
        but to the state folder and the folder of temporary files. Exit code 1: there is a problem.

        \b
        retape doctor
        retape doctor --inbound 8080 --outbound 8081 -o /var/lib/retape/shop.sqlite --format json
        """
        import os
        import sys
        import tempfile
        import time

        from captures.doctor.examining import checks
        from captures.doctor.findings import problem
        from captures.doctor.looking import look_at_all
        from captures.doctor.showing import as_json, as_text, has_problem
        from captures.errors import RetapeError
        from captures.state import STATE_VARIABLE, state_dir

        began = time.monotonic()
        first: list[Finding] = []
        with tempfile.TemporaryDirectory(prefix="retape-doctor-") as instead:
            try:
                state = state_dir()
            except RetapeError as error:
                first.append(problem("state", error.message.rstrip("."), f"export {STATE_VARIABLE}=/a/folder/of/yours"))
                state = Path(instead)
            asked = Asked(inbound, outbound, dependencies, metrics, capture, state)
            target, others = _others(more, asked, config, first)
            every = [*others, *checks(target or Path("retape.sqlite"), state, timeout)]
            found = first + look_at_all(every, timeout + 2.0)
        if form == "json":
            click.echo(as_json(found))
        else:
            colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
            click.echo(as_text(found, time.monotonic() - began, colour=colour))
        return PROBLEM if has_problem(found) else 0

    return doctor


def _others(
    more: More, asked: Asked, config: Path | None, findings: list[Finding]
) -> tuple[Path | None, Iterable[Check]]:
    """What ``more`` has; a configuration that cannot be is a finding as well, and all else is looked at."""
    from captures.config import Config, load
    from captures.doctor.findings import problem
    from captures.errors import RetapeError

    loaded = Config()
    try:
        loaded = load(explicit=config)
        return more(asked, loaded)
    except RetapeError as error:
        findings.append(problem("configuration", error.message.rstrip("."), "retape record --help"))
        return asked.capture, more(Asked((), None, (), None, None, asked.state), Config())[1]
