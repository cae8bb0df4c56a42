"""``retape capture verify``: is the file what was written, and was all of it written?"""

from __future__ import annotations

from pathlib import Path

import click

from captures.commands.options import CAPTURE, FORMAT


@click.command("verify")
@CAPTURE
@click.option("--secrets", is_flag=True, help="Look for secrets instead: what redaction would replace today. Exit 1.")
@FORMAT
def verify(path: Path, secrets: bool, form: str) -> int:
    """Check a capture: every page, row, count and body. Exit 0 when sound, 3 when traffic was lost, 2 when damaged.

    With --secrets: exit 1 where something stands that redaction would replace (see retape capture redact).

    \b
    retape capture verify shop.sqlite
    retape capture verify shop.sqlite --secrets
    """
    import json

    if secrets:
        from captures.commands.redact import verify_secrets

        return verify_secrets(path, form)
    from captures.checking import damaged_exchanges
    from captures.errors import CorruptCapture
    from captures.progress import Pass
    from captures.store import DAMAGED, Capture
    from captures.visible import visible
    from captures.wording import counted

    losses: list[str] = []
    exchanges = 0
    hint = DAMAGED
    try:
        with Capture.open(path) as opened:
            exchanges = opened.count()
            with Pass(f"reading {path.name}", exchanges) as progress:
                damage = [*opened.damage(), *damaged_exchanges(opened, progress)]
            losses = opened.losses()
    except CorruptCapture as error:
        damage, hint = [error.message], error.hint
    code = 2 if damage else 3 if losses else 0
    if form == "json":
        report = {"capture": str(path), "sound": code == 0, "exchanges": exchanges, "damage": damage, "losses": losses}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return code
    for complaint in damage:
        click.echo(f"damaged: {visible(complaint)}")
    for complaint in losses:
        click.echo(f"incomplete: {visible(complaint)}")
    if damage:
        click.echo(f"hint: {hint}", err=True)
    if code == 0:
        click.echo(f"{path} is sound: {counted(exchanges, 'exchange')}.")
    return code
