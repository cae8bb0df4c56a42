"""A pull-request comment: counts first, then the worst groups, each with its commands, below what forges take.

GitHub refuses a body over 65,536 characters; this keeps below that in characters and in bytes, ending at a section's
end and saying what is left out. The hidden marker in the first line is what a job finds its comment by, to replace it.
"""

from __future__ import annotations

from collections.abc import Sequence

from captures.wording import counted
from diffing.model import Result
from diffing.reports.asked import commands_of
from diffing.reports.markdown_text import within
from diffing.reports.sections import heading, overview, section
from diffing.reports.surroundings import Surroundings

MARKER = "<!-- retape: drift report -->"
LIMIT = 65_000  # of 65,536: a job may add a line
IN_TABLE = 25
SHOWN = 20  # groups in full


def render(result: Result, around: Surroundings | None = None, given: Sequence[str] = ()) -> str:
    """The comment, ending in a line feed. ``given``: options that its commands need (``--rules FILE``)."""
    around = around or Surroundings()
    groups = sorted(result.groups, key=lambda group: not group.open)  # worst first already; the sort is stable
    marker = f"{MARKER}\n<!-- commit {around.commit} -->" if around.commit else MARKER
    head = "\n\n".join(filter(None, [marker, heading(result, around), overview(groups, IN_TABLE)]))
    shown = (section(group, commands_of(result, group, given)) for group in groups[:SHOWN])
    return within(
        LIMIT,
        head,
        shown,
        len(groups),
        lambda rest: f"{counted(rest, 'more group')}: see the HTML report (`--report html`).",
    )
