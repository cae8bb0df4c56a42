"""``retape record``."""

from __future__ import annotations

from pathlib import Path

import click

from captures.quantity_options import Time


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
@click.option(
    "--on-overload", type=click.Choice(["drop", "block"]),
    help="When exchanges come faster than they can be written: drop what does not fit (counted), or block new requests"
    " until there is room. [default: drop]",
)  # fmt: skip
@click.option(
    "--max-body", metavar="SIZE",
    help="Keep bodies up to this size, for example 1MB; of longer ones 64 KiB, length and SHA-256. [default: 64MiB]",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N",
    help="Proxy processes that share the listeners, for more traffic than one core carries. [default: 1]",
)  # fmt: skip
@click.option(
    "--ready-timeout", type=Time(above=True), metavar="TIME", help="How long CMD may take to listen. [default: 60]"
)
@click.option(
    "--rotate", metavar="SIZE|TIME",
    help="Go on in a new file, CAPTURE-TIME.sqlite, at this size or age: 1GB, 6h, or '1GB|6h' (whichever is first).",
)  # fmt: skip
@click.option(
    "--keep", metavar="N|TIME|SIZE",
    help="Remove the oldest files of a recording that rotates: keep 10 files, 7d, or 20GB of them.",
)  # fmt: skip
@click.option(
    "--metrics", metavar="LISTEN",
    help="Serve /metrics (Prometheus) and /healthz on [HOST:]PORT, loopback unless HOST is given.",
)  # fmt: skip
@click.option(
    "--only", metavar="EXPR",
    help="Record only requests that match, in mitmproxy's filter language, and the calls that they cause.",
)  # fmt: skip
@click.option("--exclude", metavar="EXPR", help="Leave out requests that match, and the calls that they cause.")
@click.option(
    "--sample", metavar="SHARE",
    help="Record this share of the sessions of clients (10%, 1/10), with all errors and new shapes.",
)  # fmt: skip
@click.option("--only-calls", metavar="EXPR", help="Of the service's own calls record only those that match.")
@click.option("--exclude-calls", metavar="EXPR", help="Leave out calls of the service that match.")
@click.option(
    "--inject-trace", is_flag=True,
    help="Give a request without a trace a traceparent, so that its calls can be told from those of others.",
)  # fmt: skip
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
    on_overload: str | None,
    max_body: str | None,
    workers: int | None,
    ready_timeout: float | None,
    rotate: str | None,
    keep: str | None,
    metrics: str | None,
    only: str | None,
    exclude: str | None,
    sample: str | None,
    only_calls: str | None,
    exclude_calls: str | None,
    inject_trace: bool,
    command: tuple[str, ...],
) -> int:
    """Record a service's traffic, what it is asked and what it asks of others, into a capture.

    With CMD the service is started, its port in {port} and $PORT, its outbound calls routed through the recorder.
    Stop with Ctrl-C (SIGTERM, SIGHUP): everything is on disk then.

    \b
    retape record --inbound 8080=http://127.0.0.1:8000 -o shop.sqlite
    retape record --inbound 8080 -o shop.sqlite -- python app.py --port {port}
    retape record --inbound 8080=http://127.0.0.1:8000 -o shop.sqlite --rotate 1GB --keep 20GB
    retape record --inbound 8080=http://127.0.0.1:8000 --exclude '~u /healthz | ~t ^image/' --for 2h
    retape record --inbound 8080=http://127.0.0.1:8000 --metrics 9180    # curl 127.0.0.1:9180/metrics
    """
    from datetime import UTC, datetime

    from captures.config import load
    from captures.service import free_port
    from recorder.choosing import Choice, parse_share
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
        metrics,
        on_overload,
        rotate,
        keep,
        inject_trace=inject_trace,
        max_body=max_body,
        choice=Choice(
            only, exclude, only_calls, exclude_calls, sample=parse_share(sample, "--sample") if sample else None
        ),
        workers=workers,
    )
    settings = settle(asked, load(explicit=config), now=datetime.now(UTC), port=free_port())

    from captures.redacting.redaction import RedactionPolicy
    from captures.state import state_dir
    from captures.trust import CERTIFICATE_FILE
    from recorder.losses import loss
    from recorder.session import CaptureVanished, ProxyDied, check_command
    from recorder.session import record as run
    from recorder.summary import JsonObserver, TextObserver
    from recorder.watching.opening import watching

    RedactionPolicy.from_config(settings.redaction)  # complain before anything starts
    _require_mitmproxy()
    ca = str(state_dir() / CERTIFICATE_FILE)
    observer = JsonObserver(click.echo, ca) if form == "json" else TextObserver(ca)
    try:
        with watching(settings, observer) as observers:
            outcome = run(settings, observers)
    except (CaptureVanished, ProxyDied) as error:
        click.echo(f"retape: {error.message}", err=True)
        click.echo(f"hint: {error.hint}", err=True) if error.hint else None
        return 3 if isinstance(error, CaptureVanished) else 4
    lost = loss(outcome.counters, str(settings.capture))
    if lost is not None:
        click.echo(f"retape: {lost[0]}", err=True)
        click.echo(f"hint: {lost[1]}", err=True)
        return 3
    check_command(outcome, settings)
    return 0


def _require_mitmproxy() -> None:
    from importlib.util import find_spec

    if find_spec("mitmproxy") is None:
        from captures.errors import UsageError

        raise UsageError("Recording needs mitmproxy, which is not installed.", hint="pip install 'retape[record]'")
