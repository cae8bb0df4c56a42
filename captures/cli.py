"""``retape capture``: looking into capture files, and making others of them. Each command is in a module of its own."""

from __future__ import annotations

import click

from captures.commands.grep import grep
from captures.commands.ls import ls
from captures.commands.merge import merge
from captures.commands.redact import redact
from captures.commands.show import show
from captures.commands.stats import stats
from captures.commands.verify import verify


@click.group()
def capture() -> None:
    """Look into a capture: what was recorded, one exchange in full, where a text stands, statistics, integrity.

    \b
    retape capture ls shop.sqlite --only 'method:POST status:5xx'
    retape capture show shop.sqlite 17
    retape capture verify shop.sqlite
    """


for command in (ls, show, stats, grep, merge, redact, verify):
    capture.add_command(command)
