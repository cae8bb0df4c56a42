"""``retape capture merge``: one file of several."""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import FORMAT


@click.command("merge")
@click.argument("paths", metavar="CAPTURE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="CAPTURE",
    help="The merged capture (or run) to write; an existing file is refused.",
)  # fmt: skip
@FORMAT
def merge(paths: tuple[Path, ...], output: Path, form: str) -> int:
    """Make one recording of several, or one run of the runs of a capture's shards: by what is given.

    Recordings: exchanges in the order they started, with new ids; causes follow, sessions stay. Says where redaction
    keys differ. Runs: refused when they are not of one capture and one configuration; exit 3 when a shard is missing
    or was cut short: the merged run says so, too.

    \b
    retape capture merge monday.sqlite tuesday.sqlite -o week.sqlite
    retape capture merge shard1.sqlite shard2.sqlite -o run.sqlite
    retape diff shop.sqlite run.sqlite
    """
    from captures.joining import are_recordings

    return _joined(paths, output, form) if are_recordings(paths) else _merged(paths, output, form)


def _joined(paths: tuple[Path, ...], output: Path, form: str) -> int:
    import json

    from captures.joining import join
    from captures.visible import visible
    from captures.wording import counted

    joined = join(paths, output)
    if form == "json":
        report = {
            "capture": str(joined.capture), "exchanges": joined.exchanges,
            "sessions": [
                {"session": part.session, "from": str(part.path), "was": part.was, "exchanges": part.exchanges}
                for part in joined.parts
            ],
            "warnings": list(joined.warnings),
        }  # fmt: skip
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return 0
    for part in joined.parts:
        click.echo(f"session {part.session}: {counted(part.exchanges, 'exchange')}, session {part.was} of {part.path}")
    for warning in joined.warnings:
        click.echo(f"note: {visible(warning)}")
    click.echo(f"{output}: {counted(joined.exchanges, 'exchange')} of {counted(len(joined.parts), 'session')}.")
    return 0


def _merged(paths: tuple[Path, ...], output: Path, form: str) -> int:
    import json

    from captures.merging import merge as merged_of
    from captures.visible import visible
    from captures.wording import counted

    merged = merged_of(paths, output)
    if form == "json":
        report = {
            "run": str(merged.run), "shards": list(merged.shards), "missing": list(merged.missing),
            "count": merged.count, "exchanges": merged.exchanges, "inconclusive": list(merged.reasons),
        }  # fmt: skip
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for reason in merged.reasons:
            click.echo(f"inconclusive: {visible(reason)}")
        click.echo(f"{output}: {len(merged.shards)} of {merged.count} shards, {counted(merged.exchanges, 'exchange')}.")
    return 3 if merged.reasons else 0
