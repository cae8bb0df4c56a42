"""The HTML report: one file that opens from disk, with no network, and in which nothing captured can run.

Three walls, each enough alone: captured text enters the page only as base64 (or escaped, in the static summary); the
script puts it on the page only as text nodes; and the Content-Security-Policy lets run exactly the one script and the
one style sheet whose digests it names, and forbids every request and every HTML-parsing sink.
The output is a function of the result and the two captures: no clock, no randomness.

``retape review`` serves the same page with scripts that decide in place of the one that shows what to type; its policy
lets it ask its own server, and nobody else.
"""

from __future__ import annotations

from captures.store import Capture
from captures.wording import counted
from diffing.model import Result
from diffing.reports import packing, page_data, shell
from diffing.reports.views import views
from diffing.reports.wording import COLUMNS, verdict_sentence, verdict_word

STATIC = 50  # groups in the summary that needs no script
SCRIPTS = (
    "dom.js",
    "decide.js",
    "difference.js",
    "sequence.js",
    "exchange.js",
    "overview.js",
    "group.js",
    "tabs.js",
    "hidden.js",
    "latency.js",
    "contract.js",
    "chains.js",
    "blind.js",
    "page.js",
)
REVIEW = {"decide.js": ("review.js", "deciding.js")}
"""What stands in the place of a script in a page that decides: both define ``acting``, which the others know."""


def render(
    result: Result, recorded: Capture | None = None, replayed: Capture | None = None, *, review: bool = False
) -> str:
    """The whole page as text. ``review``: for a server that takes decisions."""
    script, style = _inlined(review=review)
    tabs = views(result, recorded, replayed)
    index = page_data.index(result, recorded, replayed) | {"tabs": {tab.name: tab.count for tab in tabs}}
    data = [
        ("index", packing.encoded(index)),
        *((f"v-{tab.name}", packing.encoded(tab.data)) for tab in tabs),
        *((name, packing.encoded(rows)) for tab in tabs for name, rows in tab.chunks),
        *page_data.chunks(result, recorded, replayed, rules=not review),
    ]
    word = verdict_word(result)
    return shell.rendered(
        "page.html.j2",
        title=f"{word}: {counted(len(result.groups), 'drift group')} · Retape",
        policy=shell.policy(style, script, review=review),
        style=style,
        script=script,
        chunks=data,
        page=index,
        ledger=[(words, getattr(result.ledger, name)) for name, words in COLUMNS],
        sentence=verdict_sentence(result),
        groups=index["groups"][:STATIC],
        more=max(0, len(result.groups) - STATIC),
    )


def policy(*, review: bool = False) -> str:
    """The Content-Security-Policy of the page, for who serves it."""
    script, style = _inlined(review=review)
    return shell.policy(style, script, review=review)


def _inlined(*, review: bool) -> tuple[str, str]:
    """The one script and the one style sheet."""
    names = [name for one in SCRIPTS for name in (REVIEW.get(one, (one,)) if review else (one,))]
    scripts = "\n".join(shell.asset(name) for name in names)
    styles = "".join(shell.asset(name) for name in ("report.css", *(["review.css"] if review else [])))
    return f'(() => {{\n"use strict";\n{scripts}}})();\n', styles
