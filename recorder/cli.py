"""``retape record``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"ignore_unknown_options": False})
@click.option(
    "--inbound", "inbound", multiple=True, metavar="LISTEN[=TARGET]",
    help="Listen on [HOST:]PORT (0: a free one) and pass requests on to TARGET, a URL; CMD when left out. Repeatable.",
)  # fmt: skip
@click.option(
    "--outbound", metavar="LISTEN", help="Listen as the forward proxy (HTTP and HTTPS) for the service's own calls."
)
@click.option(
    "--dependency", "dependencies", multiple=True, metavar="NAME=URL[@ENV]",
    help="Open a listener for one dependency and hand its URL to CMD in ENV (default NAME_URL). Repeatable.",
)  # fmt: skip
@click.option(
    "-o", "--output", "capture", type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The capture file; one that exists gets a further session. [default: retape-TIME.sqlite]",
)  # fmt: skip
@click.option("--for", "duration", metavar="TIME", help="Stop after this time, for example 30s or 5m.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="json: a line on stdout for each listener, when ready, and at the end.",
)  # fmt: skip
@click.option("--label", help="A name for the recorded build, kept in the capture.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Instead of the nearest retape.toml.")
@click.option(
    "--upstream-ca", type=click.Path(dir_okay=False, path_type=Path),
    help="PEM roots to accept dependencies' certificates by, besides the public ones.",
)  # fmt: skip
@click.option("--insecure-upstream", is_flag=True, help="Accept any certificate of a dependency.")
@click.option("--ready-timeout", type=float, metavar="SECONDS", help="How long CMD may take to listen. [default: 60]")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
def record(
    inbound: tuple[str, ...],
    outbound: str | None,
    dependencies: tuple[str, ...],
    capture: Path | None,
    duration: str | None,
    form: str,
    label: str | None,
    config: Path | None,
    upstream_ca: Path | None,
    insecure_upstream: bool,
    ready_timeout: float | None,
    command: tuple[str, ...],
) -> int:
    """Record a service's traffic, what it is asked and what it asks of others, into a capture.

    With CMD the service is started, its port in {port} and $PORT, its outbound calls routed through the recorder.
    Stop with Ctrl-C (or SIGTERM): everything is on disk then.

    \b
    retape record --inbound 8080=http://127.0.0.1:8000 -o shop.sqlite
    retape record --inbound 8080 -o shop.sqlite -- python app.py --port {port}
    """
    from datetime import UTC, datetime

    from captures.config import load
    from captures.service import free_port
    from recorder.settings import Asked, settle

    asked = Asked(
        inbound,
        outbound,
        dependencies,
        command,
        capture,
        duration,
        label,
        upstream_ca,
        insecure_upstream,
        ready_timeout,
    )
    settings = settle(asked, load(explicit=config), now=datetime.now(UTC), port=free_port())

    from captures.redaction import RedactionPolicy
    from captures.state import state_dir
    from captures.trust import CERTIFICATE_FILE
    from recorder.session import CaptureVanished, Observer, ProxyDied, check_command
    from recorder.session import record as run
    from recorder.summary import JsonObserver, TextObserver, loss_hint

    RedactionPolicy.from_config(settings.redaction)  # complain before anything starts
    _require_mitmproxy()
    ca = str(state_dir() / CERTIFICATE_FILE)
    observer: Observer = JsonObserver(click.echo, ca) if form == "json" else TextObserver(ca)
    try:
        outcome = run(settings, observer)
    except (CaptureVanished, ProxyDied) as error:
        click.echo(f"retape: {error.message}", err=True)
        click.echo(f"hint: {error.hint}", err=True) if error.hint else None
        return 3 if isinstance(error, CaptureVanished) else 4
    dropped = outcome.counters.get("dropped", 0)
    if dropped:
        click.echo(
            f"retape: {dropped} of {outcome.counters.get('seen', 0)} exchanges could not be written to "
            f"{settings.capture}: {outcome.counters.get('error') or 'unknown reason'}.",
            err=True,
        )
        click.echo(f"hint: {loss_hint(str(outcome.counters.get('error', '')))}", err=True)
        return 3
    check_command(outcome, settings)
    return 0


def _require_mitmproxy() -> None:
    from importlib.util import find_spec

    if find_spec("mitmproxy") is None:
        from captures.errors import UsageError

        raise UsageError("Recording needs mitmproxy, which is not installed.", hint="pip install 'retape[record]'")
