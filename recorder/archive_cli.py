"""``retape capture import`` and ``retape capture export``: HAR files, and mitmproxy's flow files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from captures.commands.options import CAPTURE, FORMAT, templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from captures.archives.entries import Archive
    from captures.archives.importing import Imported
    from captures.model import Exchange

KINDS = ("har", "mitmproxy")


@click.command("import")
@click.argument("archive", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", "capture", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The capture file; one that exists gets a further session.",
)  # fmt: skip
@click.option("--from", "kind", type=click.Choice(KINDS), help="The file's format. [default: seen by its beginning]")
@click.option(
    "--inbound", multiple=True, metavar="HOST[:PORT]",
    help="Requests to this host are what the service was asked (a pattern; * is any text). Repeatable.",
)  # fmt: skip
@click.option(
    "--outbound", multiple=True, metavar="HOST[:PORT]",
    help="Requests to this host are the service's own calls. Repeatable.",
)  # fmt: skip
@click.option("--label", help="A name for the recorded build, kept in the capture.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Instead of the nearest retape.toml.")
@FORMAT
def import_(
    archive: Path,
    capture: Path,
    kind: str | None,
    inbound: tuple[str, ...],
    outbound: tuple[str, ...],
    label: str | None,
    config: Path | None,
    form: str,
) -> int:
    """Make a capture of recorded traffic: a HAR 1.2 file, or a flow file of mitmproxy.

    Secrets are replaced as in a recording. In a flow file what came in through a reverse proxy is what the service was
    asked, the rest are its calls; a HAR of one host is what the service was asked. --inbound and --outbound say
    otherwise. What the format cannot carry is listed. Exit 3 when the file could be read only in part.

    \b
    retape capture import session.har -o shop.sqlite --inbound shop.test
    retape capture import staging.flows -o shop.sqlite
    """
    import json

    from captures.archives.importing import Sides, import_archive
    from captures.config import load
    from captures.progress import Pass
    from captures.redacting.redaction import RedactionPolicy, Redactor, fingerprint
    from captures.redacting.scanning import redacted_again
    from captures.redacting.secret_messages import message_redactor
    from captures.state import redaction_key
    from captures.versions import version_of
    from captures.visible import visible
    from recorder.settings import dependency_names

    loaded = load(explicit=config)
    policy = RedactionPolicy.from_config(loaded.section("redact"))  # complains before anything is written
    opened = _opened(archive, kind)
    key = redaction_key(loaded.redaction_key())
    meta = {
        "versions": {"retape": version_of("retape")},
        "imported": {"file": archive.name, "format": opened.format, "creator": opened.creator},
        **({"label": label} if label else {}),
    }
    redactor = Redactor(key, policy)
    with Pass("imported", 0) as tell:
        done = import_archive(
            opened,
            capture,
            Sides(inbound, outbound),
            redact=lambda exchange: redacted_again(exchange, redactor, fingerprint(key)),
            redact_messages=message_redactor(redactor),
            key=fingerprint(key),
            dependencies=dependency_names(loaded),
            meta=meta,
            progress=tell,
        )
    if form == "json":
        click.echo(json.dumps(_as_json(done), ensure_ascii=False, indent=2))
    else:
        click.echo(f"{capture}: {done.inbound:,} inbound and {done.outbound:,} outbound exchanges.")
        for sentence in done.losses:
            click.echo(f"not carried: {visible(sentence)}")
        if done.broken:
            click.echo(f"incomplete: {archive} {done.broken}; what was whole before that is in the capture.", err=True)
    return 3 if done.broken else 0


@click.command("export")
@CAPTURE
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The file to write; one that exists is refused.",
)  # fmt: skip
@click.option("--as", "kind", type=click.Choice(KINDS), help="The format. [default: har, or mitmproxy for *.flow(s)]")
@click.option("--only", metavar="EXPR", default="", help="Only these: 'direction:inbound path:/orders/*'.")
@FORMAT
def export(path: Path, output: Path, kind: str | None, only: str, form: str) -> int:
    """Write a capture as a HAR 1.2 file or as a flow file of mitmproxy, and say what the format cannot carry.

    Secrets are pseudonyms there, too: a capture holds no others.

    \b
    retape capture export shop.sqlite -o shop.har --only 'direction:inbound'
    retape capture export shop.sqlite -o shop.flows
    """
    import json
    import tempfile

    from captures import selection
    from captures.archives import har_writing
    from captures.archives.entries import Losses
    from captures.errors import EmptyCapture, UsageError
    from captures.listing import chosen
    from captures.progress import Pass
    from captures.store import Capture
    from captures.versions import version_of
    from captures.wording import counted

    wanted = selection.parse(only)
    kind = kind or ("mitmproxy" if output.suffix in (".flow", ".flows", ".mitm") else "har")
    if kind == "mitmproxy":
        _require_mitmproxy()
    if output.exists():
        raise UsageError(f"{output} exists and will not be overwritten.", hint="Name another file with -o.")
    losses, count = Losses(), 0
    with Capture.open(path) as opened, Pass("exported", 0 if only else opened.count()) as tell:

        def exchanges() -> Iterator[Exchange]:
            nonlocal count
            for exchange, _ in chosen(opened, wanted, None, endpoints=False, explicit=templates()):
                count += 1
                tell(count)
                yield exchange

        try:
            # Beside its place, and moved there once it is complete: nobody finds half a file.
            with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
                aside = Path(file.name)
                try:
                    if kind == "har":
                        keys = {one.id: one.redaction_key for one in opened.sessions()}
                        for piece in har_writing.pieces(
                            exchanges(), opened.messages, version_of("retape") or "", losses, keys
                        ):
                            file.write(piece.encode("ascii", "backslashreplace"))
                    else:
                        from recorder.flowfiles import write

                        write(exchanges(), opened.messages, file, losses)
                    if not count:
                        raise EmptyCapture(f"{path} holds no exchange to export.", hint="Look at: --only.")
                    file.flush()
                    aside.replace(output)
                finally:
                    aside.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{output} cannot be written: {error.strerror}.") from error
    if form == "json":
        report = {"file": str(output), "format": kind, "exchanges": count, "losses": losses.sentences()}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{output}: {counted(count, 'exchange')}.")
        for sentence in losses.sentences():
            click.echo(f"not carried: {sentence}")
    return 0


def _opened(path: Path, kind: str | None) -> Archive:
    from captures.archives.har_reading import HarArchive
    from captures.errors import UsageError

    if kind is None:
        try:
            with path.open("rb") as file:
                begun = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        if begun.startswith(b"SQLite format 3"):
            raise UsageError(f"{path} is a capture already.", hint=f"Look into it: retape capture ls {path}")
        kind = "har" if begun.startswith(b"{") else "mitmproxy"
        if kind == "mitmproxy" and not begun[:1].isdigit():
            raise UsageError(
                f"{path} is neither a HAR file nor a flow file of mitmproxy.",
                hint="A HAR is JSON and begins with {; what mitmdump -w writes begins with a length.",
            )
    if kind == "har":
        return HarArchive(path)
    _require_mitmproxy()
    from recorder.flowfiles import FlowFile

    return FlowFile(path)


def _require_mitmproxy() -> None:
    from importlib.util import find_spec

    if find_spec("mitmproxy") is None:
        from captures.errors import UsageError

        raise UsageError(
            "Flow files need mitmproxy, which is not installed.", hint="pip install 'retape[record]', or use HAR."
        )


def _as_json(done: Imported) -> dict[str, object]:
    return {
        "capture": str(done.capture), "session": done.session, "inbound": done.inbound, "outbound": done.outbound,
        "complete": not done.broken, "losses": list(done.losses),
    }  # fmt: skip
